// The one table of routes: what is found under which path.
#include "gateway/endpoints.hpp"

#include <gtest/gtest.h>

#include <set>

namespace penstock::gateway {
namespace {

// "route" or "route model"; else the error's label.
std::string found(std::string_view method, std::string_view path) {
    std::string allowed;
    const auto got = find_endpoint(method, path, allowed);
    if (got.has_error())
        return std::string(describe(got.error()).label) + (allowed.empty() ? "" : " " + allowed);
    EXPECT_EQ(got.value().row, &endpoints()[got.value().index]);
    std::string text(got.value().row->route);
    return got.value().name.empty() ? text : text + " " + got.value().name;
}

TEST(endpoints, have_a_row_for_every_route) {
    std::set<std::string> rows;
    for (const auto& row : endpoints())
        EXPECT_TRUE(rows.insert(std::string(row.method) + " " + std::string(row.route)).second)
            << row.route;
    for (const char* each :
         {"POST /v1/chat/completions",
          "POST /v1/completions",
          "POST /v1/fim/completions",
          "POST /v1/embeddings",
          "POST /v1/rerank",
          "POST /v2/rerank",
          "POST /rerank",
          "POST /v1/responses",
          "POST /v1/messages",
          "POST /v1/audio/transcriptions",
          "POST /v1/audio/speech",
          "POST /tokenize",
          "GET /v1/models",
          "GET /v1/models/{model}",
          "GET /health",
          "GET /health/liveliness",
          "GET /health/liveness",
          "GET /health/readiness",
          "GET /admin/replicas",
          "POST /admin/replicas/{replica}/cordon",
          "POST /admin/replicas/{replica}/drain",
          "POST /admin/replicas/{replica}/resume",
          "POST /admin/explain",
          "GET /metrics"})
        EXPECT_TRUE(rows.contains(each)) << each;
    EXPECT_LE(rows.size(), 64u) << "rights are 64 bits";
}

TEST(endpoints, are_found_with_and_without_v1) {
    for (const auto& row : endpoints()) {
        const std::string route(row.route);
        if (route.find('{') != std::string::npos) continue;
        EXPECT_EQ(found(row.method, route), route);
        if (route.starts_with("/v1/") && route != "/v1/rerank") {
            EXPECT_EQ(found(row.method, route.substr(3)), route);
        }
    }
    EXPECT_EQ(found("POST", "/v1/tokenize"), "unknown_route");
    EXPECT_EQ(found("POST", "/v1/v1/embeddings"), "unknown_route");
}

TEST(endpoints, are_found_under_deployments) {
    EXPECT_EQ(
        found("POST", "/openai/deployments/gpt-4o/chat/completions"), "/v1/chat/completions gpt-4o"
    );
    EXPECT_EQ(found("POST", "/openai/deployments/a%2Db%20c/embeddings"), "/v1/embeddings a-b c");
    EXPECT_EQ(found("POST", "/engines/m/completions"), "/v1/completions m");
    EXPECT_EQ(found("POST", "/openai/deployments//chat/completions"), "unknown_route");
    EXPECT_EQ(found("POST", "/openai/deployments/a"), "unknown_route");
    EXPECT_EQ(found("POST", "/openai/deployments/%zz/chat/completions"), "unknown_route");
    EXPECT_EQ(found("GET", "/openai/deployments/a/metrics"), "unknown_route");
}

TEST(endpoints, name_one_model_by_path) {
    EXPECT_EQ(found("GET", "/v1/models/chat"), "/v1/models/{model} chat");
    EXPECT_EQ(found("GET", "/models/a%3Ab"), "/v1/models/{model} a:b");
    EXPECT_EQ(found("GET", "/v1/models/"), "unknown_route");
    EXPECT_EQ(found("GET", "/v1/models/%00"), "unknown_route");
}

TEST(endpoints, name_a_model_with_a_slash) {
    EXPECT_EQ(found("GET", "/v1/models/Qwen/Qwen2.5"), "/v1/models/{model} Qwen/Qwen2.5");
    EXPECT_EQ(found("GET", "/models/Qwen%2fQwen2%2E5"), "/v1/models/{model} Qwen/Qwen2.5");
    EXPECT_EQ(found("POST", "/engines/Qwen%2FQwen2.5/embeddings"), "/v1/embeddings Qwen/Qwen2.5");
    for (const char* path :
         {"/v1/models/a/", "/v1/models//a", "/v1/models/%2Fa", "/v1/models/a%2F/b"})
        EXPECT_EQ(found("GET", path), "unknown_route") << path;
}

TEST(endpoints, name_a_replica_by_its_whole_id) {
    EXPECT_EQ(
        found("POST", "/admin/replicas/chat/v1/short/10.0.0.1:8000/cordon"),
        "/admin/replicas/{replica}/cordon chat/v1/short/10.0.0.1:8000"
    );
    EXPECT_EQ(
        found("POST", "/admin/replicas/chat%2Fv1%2Fshort%2F%5B::1%5D:80/drain"),
        "/admin/replicas/{replica}/drain chat/v1/short/[::1]:80"
    );
    EXPECT_EQ(
        found("POST", "/admin/replicas/a/cordon/resume"),
        "/admin/replicas/{replica}/resume a/cordon"
    );
    EXPECT_EQ(found("GET", "/admin/replicas/a/b/drain"), "method_not_allowed POST");
    for (const char* path :
         {"/admin/replicas//cordon",
          "/admin/replicas/cordon",
          "/admin/replicas/a",
          "/admin/replicas/a/cordon/",
          "/admin/replicas/a//b/cordon",
          "/admin/replicas/a%2F/cordon"})
        EXPECT_EQ(found("POST", path), "unknown_route") << path;
}

TEST(endpoints, tell_the_method_that_there_is) {
    EXPECT_EQ(found("GET", "/v1/chat/completions"), "method_not_allowed POST");
    EXPECT_EQ(found("post", "/v1/chat/completions"), "method_not_allowed POST")
        << "methods have case";
    EXPECT_EQ(found("DELETE", "/models/x"), "method_not_allowed GET");
    EXPECT_EQ(found("HEAD", "/v1/models"), "/v1/models");
}

TEST(endpoints, are_not_found_by_part_of_a_path) {
    for (const char* path :
         {"",
          "/",
          "*",
          "/v1",
          "/v1/",
          "/v1/chat",
          "/v1/chat/completions/",
          "/v1/chat/completionsx",
          "//v1/chat/completions",
          "/healthx",
          "/Health",
          "/v1/chat%2Fcompletions"})
        EXPECT_EQ(found("POST", path), "unknown_route") << path;
}

TEST(endpoints, guess_the_dialect_of_a_path_that_is_no_route) {
    EXPECT_EQ(dialect_of_path("/v1/messages/batches"), openai::dialect::messages);
    EXPECT_EQ(dialect_of_path("/v1/nothing"), openai::dialect::chat);
    EXPECT_EQ(dialect_of_path(""), openai::dialect::chat);
}

}  // namespace
}  // namespace penstock::gateway
