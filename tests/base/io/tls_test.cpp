// TLS on channels: who may speak with whom.
#include "tls_pair.hpp"

namespace penstock::io {
namespace {

TEST_F(tls, passes_words_between_a_server_and_a_client_that_knows_its_authority) {
    const identity localhost = ca.issue("server", "DNS:localhost");
    const auto [at_server, at_client] =
        meet(server(localhost), client(ca.file()), "localhost", [](channel& s, channel& c) {
            EXPECT_TRUE(s.is_tls());
            EXPECT_TRUE(c.is_tls());
            EXPECT_EQ(c.peer_certificate_name(), "server");
            EXPECT_EQ(s.peer_certificate_name(), "");
        });
    EXPECT_TRUE(at_server.done) << at_server.detail;
    EXPECT_TRUE(at_client.done) << at_client.detail;
}

TEST_F(tls, verifies_the_authority_and_the_name_or_address) {
    const context known =
        server(ca.issue("a", "DNS:a.example,DNS:*.b.example,IP:127.0.0.1,IP:::1"));
    const context only_common_name = server(ca.issue("c.example"));
    struct {
        context at;
        std::string host, ca_file;
        bool verify, well;
    } const cases[] = {
        {known, "a.example", ca.file(), true, true},
        {known, "A.EXAMPLE", ca.file(), true, true},
        {known, "x.b.example", ca.file(), true, true},
        {known, "127.0.0.1", ca.file(), true, true},
        {known, "::1", ca.file(), true, true},
        {known, "b.example", ca.file(), true, false},
        {known, "x.y.b.example", ca.file(), true, false},
        {known, "a.example.evil", ca.file(), true, false},
        {known, "127.0.0.2", ca.file(), true, false},
        {known, "::2", ca.file(), true, false},
        {known, "a.example", other_ca.file(), true, false},
        {known, "anything.else", other_ca.file(), false, true},
        {only_common_name, "d.example", ca.file(), true, false},
        // Nothing to verify by is a reason to refuse, not to trust.
        {known, "", ca.file(), true, false},
        {known, "1.2.3", ca.file(), true, false},
        {known, "999.0.0.1", ca.file(), true, false},
        {known, "", ca.file(), false, true},
    };
    for (const auto& each : cases) {
        const auto [at_server, at_client] =
            meet(each.at, client(each.ca_file, each.verify), each.host);
        EXPECT_EQ(at_client.done, each.well) << "'" << each.host << "' " << at_client.detail;
        EXPECT_EQ(at_server.done, each.well) << each.host;
        if (!each.well) {
            EXPECT_EQ(at_client.failed, errc::tls_failed) << each.host;
        }
    }
}

TEST_F(tls, demands_a_client_certificate_of_the_right_authority) {
    const context strict = server(ca.issue("server", "DNS:localhost"), ca.file());
    const auto with = [&](const identity& who) {
        return meet(strict, client(ca.file(), true, who), "localhost");
    };
    const auto [known, known_client] = with(ca.issue("alice"));
    EXPECT_TRUE(known.done && known_client.done) << known.detail;
    EXPECT_FALSE(with({}).first.done);
    EXPECT_FALSE(with({}).second.done);
    EXPECT_FALSE(with(other_ca.issue("mallory")).first.done);
    EXPECT_FALSE(with(other_ca.issue("mallory")).second.done);
    meet(strict, client(ca.file(), true, ca.issue("alice")), "localhost", [](channel& s, channel&) {
        EXPECT_EQ(s.peer_certificate_name(), "alice");
    });
}

TEST_F(tls, says_at_the_start_what_is_wrong_with_its_files) {
    const identity one = ca.issue("one"), two = ca.issue("two");
    const std::string no_pem = folder / "no.pem";
    std::ofstream(no_pem) << "not a certificate";
    const tls_server_options bad[] = {
        {folder / "absent.pem", one.key_pem, {}},
        {no_pem, one.key_pem, {}},
        {one.certificate_file, "", {}},
        {one.certificate_file, two.key_pem, {}},
        {one.certificate_file, one.key_pem, folder / "absent.pem"},
        {one.certificate_file, one.key_pem, no_pem},
    };
    for (const auto& each : bad) {
        const auto made = tls_context::server(each);
        ASSERT_TRUE(made.has_error());
        EXPECT_EQ(made.error().code, errc::tls_failed);
    }
    EXPECT_TRUE(tls_context::client({no_pem, true, {}, {}}).has_error());
    EXPECT_TRUE(
        tls_context::client({ca.file(), true, one.certificate_file, two.key_pem}).has_error()
    );
    EXPECT_TRUE(tls_context::client({}).has_value()) << "the system's authorities";
}

}  // namespace
}  // namespace penstock::io
