// What is explained of a request that another model would take.
#include "gateway/explain/table.hpp"
#include "gateway/fall_back_rig.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

#include <sstream>

namespace penstock::gateway {
namespace {

using boost::json::object;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view master = "sk-master-0123456789";
const std::string with_master = "admin: {master_key: " + std::string(master) + "}\n";
constexpr std::string_view question = R"({"model":"chat","bytes":400,"max_tokens":50})";

object explained(const running_gateway& g, std::string_view asked = question) {
    const auto told = g.ask(
        test::post("/admin/explain", asked, {{"Authorization", "Bearer " + std::string(master)}})
    );
    EXPECT_EQ(told.status, 200) << told.body;
    return boost::json::parse(told.body).as_object();
}

std::string printed(const object& told) {
    std::ostringstream out;
    print_explanation(told, out);
    return out.str();
}

TEST(fall_back_explain, tells_the_refusal_of_the_first_and_the_pass_of_the_other) {
    scripted_upstream chat, small;
    running_gateway g(
        with_master + models_of(
                          {{"chat", &chat, out_of_service, ", fallbacks: [small]"},
                           {"small", &small, ", slots: 3", ", max_tokens: 20"}}
                      )
    );
    const object told = explained(g);
    EXPECT_EQ(told.at("verdict"), "admitted");
    EXPECT_EQ(told.at("decided_by"), "admit");
    EXPECT_EQ(told.at("fell_back_to"), "small");
    EXPECT_EQ(told.at("read").at("model"), "chat");
    EXPECT_EQ(told.at("admit").at("verdict"), "refused");
    EXPECT_EQ(told.at("admit").at("reason"), "no_replica");
    ASSERT_EQ(told.at("fallbacks").as_array().size(), 1u);
    const object& pass = told.at("fallbacks").at(0).as_object();
    EXPECT_EQ(pass.at("model"), "small");
    EXPECT_EQ(pass.at("verdict"), "admitted");
    EXPECT_EQ(pass.at("limit").at("max_tokens"), 20) << "its own cap";
    EXPECT_EQ(pass.at("steer").at("pool"), "small/default/default");
    EXPECT_THAT(std::string(pass.at("admit").at("replica").as_string()), HasSubstr("small/"));
    EXPECT_EQ(pass.at("admit").at("candidates").at(0).at("slots"), 3);
    EXPECT_EQ(small.num_requests(), 0u);
    EXPECT_TRUE(g.log().empty());
    EXPECT_EQ(fallbacks_of(g, "no_replica"), -1) << "it is not counted";
}

TEST(fall_back_explain, is_decided_by_the_first_when_all_refuse) {
    scripted_upstream chat, small;
    running_gateway g(with_master + chat_and_small(chat, small, out_of_service, out_of_service));
    const object told = explained(g);
    EXPECT_EQ(told.at("verdict"), "refused");
    EXPECT_EQ(told.at("decided_by"), "admit");
    EXPECT_FALSE(told.contains("fell_back_to"));
    EXPECT_EQ(told.at("fallbacks").at(0).at("admit").at("reason"), "no_replica");
}

TEST(fall_back_explain, has_no_other_model_where_none_would_be_asked) {
    scripted_upstream chat, small;
    running_gateway g(with_master + chat_and_small(chat, small));
    EXPECT_FALSE(explained(g).contains("fallbacks")) << "it is admitted";
    EXPECT_FALSE(explained(g, R"({"model":"nobody","bytes":1})").contains("fallbacks"));
    running_gateway out(with_master + chat_and_small(chat, small, out_of_service));
    const object forbidden =
        explained(out, R"({"model":"chat","bytes":1,"headers":{"x-penstock-no-fallback":"true"}})");
    EXPECT_EQ(forbidden.at("verdict"), "refused");
    EXPECT_FALSE(forbidden.contains("fallbacks"));
}

TEST(fall_back_explain, is_printed_with_the_stages_of_each_model) {
    scripted_upstream chat, small;
    running_gateway g(with_master + chat_and_small(chat, small, out_of_service));
    const std::string text = printed(explained(g));
    EXPECT_THAT(text, HasSubstr("admit         refused\n"));
    EXPECT_THAT(text, HasSubstr("fallback to small: admitted by admit\n"));
    EXPECT_THAT(
        text.substr(text.find("fallback to")), HasSubstr("steer         passed\n  version ")
    );
    EXPECT_THAT(text, HasSubstr("=> admitted by admit of small\n"));
}

// ── limits left ─────────────────────────────────────────────────────────────────────────────────

TEST(limits_left, are_told_of_each_class_and_of_the_caps_of_answers) {
    const allowance allowed = nothing_yet();
    scripted_upstream chat([&](const auto&) { return test::held(test::chat("a"), allowed); });
    running_gateway g(
        with_master +
        "keys: [{name: a, max_tokens: 30, sha256: "
        "a046e4925c1c5162e2a952bf81b903655ab1b77d52aac4b82b9c4ca26ad5f73e}]\n"  // sk-all
        "classes: {realtime: {pending: 5, concurrency: 9}, bulk: {pending: 7, concurrency: 4}}\n" +
        models_of({{"chat", &chat, ", slots: 1", ", max_tokens: 40"}})
    );
    const auto left = [&] { return explained(g, R"({"model":"chat","bytes":10,"key_name":"a"})"); };
    object told = left();
    EXPECT_EQ(told.at("limit").at("max_tokens_of_model"), 40);
    EXPECT_EQ(told.at("limit").at("max_tokens_of_key"), 30);
    EXPECT_EQ(
        boost::json::serialize(told.at("limit").at("limits_left")),
        R"([{"class":"realtime","pending_left":5,"concurrency_left":9},)"
        R"({"class":"bulk","pending_left":7,"concurrency_left":4}])"
    );
    EXPECT_EQ(told.at("admit").at("pending_left"), 5);
    EXPECT_EQ(told.at("admit").at("concurrency_left"), 9);
    std::vector<std::unique_ptr<test_client>> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(std::make_unique<test_client>(g.port()));
        clients.back()->send(chat_request({}, {{"x-api-key", "sk-all"}}));
    }
    ASSERT_TRUE(eventually([&] { return g.waiting() == 2; }));
    told = left();
    EXPECT_EQ(told.at("admit").at("pending_left"), 3);
    EXPECT_EQ(told.at("admit").at("concurrency_left"), 8);
    EXPECT_EQ(told.at("limit").at("limits_left").at(0).at("pending_left"), 3);
    EXPECT_EQ(told.at("limit").at("limits_left").at(1).at("pending_left"), 7);
    allowed->store(everything);
    for (const auto& each : clients)
        EXPECT_EQ(each->read_response().status, 200);
}

TEST(limits_left, are_told_of_a_request_that_no_pool_holds) {
    scripted_upstream chat;
    running_gateway g(with_master + models_of({{"chat", &chat, "", ", context: 1k"}}));
    const object told = explained(g, R"({"model":"chat","bytes":1000000})");
    EXPECT_EQ(told.at("decided_by"), "steer");
    EXPECT_EQ(told.at("limit").at("limits_left").at(0).at("pending_left"), 256);
}

}  // namespace
}  // namespace penstock::gateway
