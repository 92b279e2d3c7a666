// `penstock explain` against a gateway that runs, and against none.
#include "gateway/explain_command.hpp"

#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

#include <sstream>

namespace penstock::gateway {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

const std::string master = "sk-master-0123456789";

struct said {
    explain_exit exit;
    std::string out, err;
};

said explain(const explain_order& what) {
    std::ostringstream out, err;
    const explain_exit exit = explain_running(what, out, err);
    return {exit, out.str(), err.str()};
}

said explain(const explain_order& what, const std::string& yaml) {
    std::ostringstream out, err;
    const auto idle = [&](std::string_view question) {
        return gateway::explain_idle(settings_for_test(yaml, ""), question);
    };
    const explain_exit exit = explain_here(what, idle, out, err);
    return {exit, out.str(), err.str()};
}

class explain_command : public testing::Test {
 protected:
    explain_order here() const {
        explain_order order{.model = "chat", .bytes = 400};
        order.admin = "http://127.0.0.1:" + std::to_string(g.port());
        order.key = master;
        return order;
    }
    scripted_upstream upstream;
    running_gateway g{
        "admin: {master_key: " + master + "}\n" + chat_model({replica_of(upstream, ", slots: 7")})
    };
};

TEST_F(explain_command, prints_a_block_for_each_stage_and_a_row_for_each_replica) {
    const said got = explain(here());
    EXPECT_EQ(got.exit, explain_exit::done) << got.err;
    for (const char* line :
         {"authenticate  passed\n",
          "read          passed\n",
          "limit         passed\n",
          "steer         passed\n",
          "admit         admitted\n",
          "  route                /v1/chat/completions\n",
          "  text_bytes           400\n",
          "    replica ",
          "    chat/default/default/r0  chat/default/default  yes ",
          "=> admitted by admit\n"})
        EXPECT_THAT(got.out, HasSubstr(line));
    EXPECT_EQ(upstream.num_requests(), 0u);
}

TEST_F(explain_command, prints_the_answer_as_it_came) {
    explain_order order = here();
    order.as_json = true;
    order.question = R"({"body":{"model":"nobody","messages":[]}})";
    const said got = explain(order);
    EXPECT_EQ(got.exit, explain_exit::done) << "what would be refused is explained";
    EXPECT_THAT(got.out, MatchesRegex(R"(\{"verdict":"refused","decided_by":"read".*\}
)"));
}

TEST_F(explain_command, says_what_the_gateway_refuses) {
    explain_order order = here();
    order.key_name = "nobody";
    EXPECT_EQ(explain(order).exit, explain_exit::refused);
    EXPECT_THAT(explain(order).err, HasSubstr("(status 400)"));
    order = here();
    order.key = "sk-other";
    EXPECT_EQ(explain(order).exit, explain_exit::refused);
    EXPECT_THAT(explain(order).err, HasSubstr("(status 401)"));
}

TEST_F(explain_command, says_that_it_has_not_reached_a_gateway) {
    explain_order order = here();
    order.admin = "unix:/nowhere.sock";
    EXPECT_EQ(explain(order).exit, explain_exit::not_reached);
    scripted_upstream other([](const auto&) { return test::json("[1]"); });
    order.admin = other.url();
    EXPECT_EQ(explain(order).exit, explain_exit::not_reached);
}

// ── an idle gateway ─────────────────────────────────────────────────────────────────────────────

const std::string two_pools =
    "models:\n  chat:\n    pools:\n"
    "      short: {context: 4096, replicas: [{url: \"http://127.0.0.1:9\", slots: 3}]}\n"
    "      long: {context: 65536, replicas: [{url: \"http://127.0.0.1:10\", slots: 5}]}\n";

TEST(explain_idle_command, believes_every_replica_up_with_all_its_slots) {
    const said got = explain({.model = "chat", .bytes = 100, .as_json = true}, two_pools);
    EXPECT_EQ(got.exit, explain_exit::done) << got.err;
    EXPECT_THAT(got.out, HasSubstr(R"("pool":"chat/default/short")"));
    EXPECT_THAT(got.out, HasSubstr(R"("in_flight":0,"slots":3)"));
    EXPECT_THAT(got.out, HasSubstr(R"("in_flight":0,"slots":5)"));
}

TEST(explain_idle_command, steers_by_size) {
    const said got = explain({.model = "chat", .bytes = 60'000}, two_pools);
    EXPECT_THAT(got.out, HasSubstr("chat/default/long   65536    preferred"));
    EXPECT_THAT(got.out, HasSubstr("the smallest context for about 15005 tokens of prompt"));
    EXPECT_THAT(got.out, HasSubstr("chat/default/short  4096     passed over"));
    EXPECT_THAT(
        explain({.model = "chat", .bytes = 6'000'000}, two_pools).out,
        HasSubstr("=> refused by steer")
    );
}

TEST(explain_idle_command, leaves_out_replicas_that_the_settings_take_out) {
    const said got = explain(
        {.model = "chat", .bytes = 100},
        "models: {chat: {replicas: [{url: \"http://127.0.0.1:9\", state: drained}]}}\n"
    );
    EXPECT_EQ(got.exit, explain_exit::done);
    EXPECT_THAT(got.out, HasSubstr("no_replica"));
    EXPECT_THAT(got.out, HasSubstr("=> refused by admit"));
}

TEST(explain_idle_command, says_what_is_wrong_with_the_question) {
    const said got = explain({.question = "{}"}, two_pools);
    EXPECT_EQ(got.exit, explain_exit::refused);
    EXPECT_THAT(got.err, HasSubstr("`body` is missing"));
    EXPECT_EQ(got.out, "");
}

}  // namespace
}  // namespace penstock::gateway
