// `penstock replica …` against a gateway that runs.
#include "gateway/replica_command.hpp"

#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

#include <sstream>

namespace penstock::gateway {
namespace {

using testing::HasSubstr;

const std::string master = "sk-master-0123456789";

struct said {
    replica_exit exit;
    std::string out, err;
};

said order(const replica_order& what) {
    std::ostringstream out, err;
    const replica_exit exit = order_replica(what, out, err);
    return {exit, out.str(), err.str()};
}

class replica_command : public testing::Test {
 protected:
    said order_here(const std::string& verb, const std::string& id = {}, duration wait = {}) const {
        return order(
            {.verb = verb,
             .id = id,
             .admin = "http://127.0.0.1:" + std::to_string(g.port()),
             .key = master,
             .wait = wait}
        );
    }
    allowance allowed = nothing_yet();
    scripted_upstream upstream{[this](const auto&) { return test::held(test::chat("a"), allowed); }
    };
    running_gateway g{
        "admin: {master_key: " + master + "}\n" +
        chat_model({replica_of(upstream, ", slots: 7"), replica_of(upstream)})
    };
};

TEST_F(replica_command, lists_every_replica_in_a_line) {
    const said got = order_here("list");
    EXPECT_EQ(got.exit, replica_exit::done);
    EXPECT_EQ(
        got.out,
        "ready         0 in flight of 7     chat/default/default/r0\n"
        "ready         0 in flight of 64    chat/default/default/r1\n"
    );
    EXPECT_EQ(got.err, "");
}

TEST_F(replica_command, takes_a_replica_out_and_back) {
    EXPECT_THAT(order_here("cordon", "chat/default/default/r1").out, HasSubstr("cordoned"));
    EXPECT_THAT(order_here("drain", "chat/default/default/r1").out, HasSubstr("drained"));
    const said back = order_here("resume", "chat/default/default/r1");
    EXPECT_EQ(back.exit, replica_exit::done);
    EXPECT_THAT(back.out, HasSubstr("ready"));
}

TEST_F(replica_command, tells_the_shell_that_a_drained_replica_is_still_busy) {
    order_here("cordon", "chat/default/default/r1");
    test_client running(g.port());
    running.send(chat_request());
    ASSERT_TRUE(upstream.wait_for_requests(1));
    EXPECT_EQ(order_here("drain", "chat/default/default/r0").exit, replica_exit::done)
        << "without a wait that is no failure";
    const said busy = order_here("drain", "chat/default/default/r0", 50ms);
    EXPECT_EQ(busy.exit, replica_exit::still_busy);
    EXPECT_THAT(busy.out, HasSubstr("draining      1 in flight"));
    allowed->store(everything);
    EXPECT_EQ(running.read_response().status, 200);
    EXPECT_EQ(order_here("drain", "chat/default/default/r0", 30s).exit, replica_exit::done);
}

TEST_F(replica_command, says_what_the_gateway_refuses) {
    const said unknown = order_here("drain", "chat/default/default/[odd]%?");
    EXPECT_EQ(unknown.exit, replica_exit::refused);
    EXPECT_THAT(unknown.err, HasSubstr("no replica 'chat/default/default/[odd]%?'"));
    const said stranger = order(
        {.verb = "list", .admin = "http://127.0.0.1:" + std::to_string(g.port()), .key = "sk-x"}
    );
    EXPECT_EQ(stranger.exit, replica_exit::refused);
    EXPECT_THAT(stranger.err, HasSubstr("master key"));
    EXPECT_EQ(stranger.out, "");
}

TEST_F(replica_command, says_that_it_has_not_reached_a_gateway) {
    const std::string url = [] {
        scripted_upstream gone;
        return gone.url();
    }();
    const said refused = order({.verb = "list", .admin = url, .key = master});
    EXPECT_EQ(refused.exit, replica_exit::not_reached);
    EXPECT_THAT(refused.err, HasSubstr(url));
    EXPECT_EQ(order({.verb = "list", .admin = "ftp://x"}).exit, replica_exit::not_reached);
    EXPECT_EQ(
        order({.verb = "list", .admin = "unix:/nowhere.sock"}).exit, replica_exit::not_reached
    );
    scripted_upstream other([](const auto&) { return test::json("[1]"); });
    EXPECT_EQ(order({.verb = "list", .admin = other.url()}).exit, replica_exit::not_reached);
}

}  // namespace
}  // namespace penstock::gateway
