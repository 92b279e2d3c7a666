// Upstreams by what there is to connect to, and which of their names are asked for again.
#include "gateway/upstreams/registry.hpp"

#include "gateway/fold.hpp"
#include "gateway/running_gateway.hpp"
#include "policies/catalogue.hpp"
#include "support/authority.hpp"

namespace penstock::gateway {
namespace {

class upstreams : public testing::Test {
 protected:
    upstreams() {
        if (!::mkdtemp(folder.data())) throw std::runtime_error("mkdtemp");
        all.push_back(std::make_unique<io::loop>(0));
    }
    ~upstreams() override { std::filesystem::remove_all(folder); }

    upstream* upstream_of(const settings::replica& replica) {
        auto found = live.upstream_for(replica, {});
        return found.has_value() ? found.value() : nullptr;
    }

    std::string folder = "/tmp/penstock-XXXXXX";
    loops all;
    worker_places places;
    registry live{
        all,
        [] { return policies::make_admission("fixed_slots", domain_spec{}, io::loop::exact_now()); }
    };
};

TEST_F(upstreams, are_the_same_until_a_certificate_file_has_other_bytes) {
    test::authority ca(folder, "ca");
    const auto mine = ca.issue("gateway");
    settings::replica replica{.url = "https://127.0.0.1:1"};
    replica.tls = settings::tls_upstream{
        .ca = ca.file(), .certificate = mine.certificate_file, .key = mine.key_pem
    };
    upstream* const first = upstream_of(replica);
    ASSERT_TRUE(first);
    EXPECT_EQ(upstream_of(replica), first);

    // The same key: nothing but the bytes of the file differs.
    std::ofstream(mine.certificate_file, std::ios::app) << "\nrenewed\n";
    upstream* const renewed = upstream_of(replica);
    ASSERT_TRUE(renewed);
    EXPECT_NE(renewed, first);

    const test::authority other(folder, "ca");
    upstream* const trusts_other = upstream_of(replica);
    ASSERT_TRUE(trusts_other);
    EXPECT_NE(trusts_other, renewed);
    EXPECT_EQ(upstream_of(replica), trusts_other);
}

TEST_F(upstreams, cannot_be_had_once_a_certificate_file_is_gone) {
    test::authority ca(folder, "ca");
    settings::replica replica{.url = "https://127.0.0.1:1"};
    replica.tls = settings::tls_upstream{.ca = ca.file()};
    ASSERT_TRUE(upstream_of(replica));
    std::filesystem::remove(ca.file());
    EXPECT_FALSE(upstream_of(replica));
}

TEST_F(upstreams, are_resolved_again_only_while_the_newest_settings_use_them) {
    const auto fold_one = [&](const std::string& host) {
        return fold(
                   settings_for_test(
                       "models: {chat: {replicas: [\"http://" + host + ":1\"]}}\n", ""
                   ),
                   1,
                   live,
                   places,
                   io::loop::exact_now()
        )
            .has_value();
    };
    ASSERT_TRUE(fold_one("localhost"));
    upstream* const named = upstream_of({.url = "http://localhost:1"});
    EXPECT_EQ(live.resolve_all(), 1u);
    ASSERT_TRUE(fold_one("127.0.0.1"));
    EXPECT_EQ(live.resolve_all(), 0u) << "numbers need no name server, and the name is not used";
    ASSERT_TRUE(fold_one("localhost"));
    EXPECT_EQ(upstream_of({.url = "http://localhost:1"}), named) << "it was kept meanwhile";
    EXPECT_EQ(live.resolve_all(), 1u);
}

}  // namespace
}  // namespace penstock::gateway
