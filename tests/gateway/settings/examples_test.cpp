// The files that an operator starts from.
#include "gateway/settings/certificates.hpp"
#include "gateway/settings/loading.hpp"

#include <gtest/gtest.h>

namespace penstock::settings {
namespace {

load_options example_environment() {
    return with_environment(
        {{"PENSTOCK_DEMO_KEY_SHA256", some_digest},
         {"SEARCH_KEY_SHA256", some_digest},
         {"NIGHTLY_KEY_SHA256", other_digest},
         {"ENGINE_API_KEY", "engine"}}
    );
}

root load_right_file(const std::filesystem::path& file) {
    load_result result = load_file(file, example_environment());
    if (auto* right = std::get_if<loaded>(&result)) return right->settings;
    ADD_FAILURE() << to_text(file.string(), std::get<std::vector<mistake>>(result));
    return {};
}

TEST(examples, the_default_file_serves_the_demo_model_on_loopback) {
    const root s = load_right_file(repository() / "config" / "penstock.yaml");
    ASSERT_EQ(s.listen.size(), 1u);
    EXPECT_EQ(s.listen[0].address, "127.0.0.1:4000");
    ASSERT_EQ(s.keys.size(), 1u);
    EXPECT_EQ(s.keys[0].sha256, some_digest);
    const model& only = s.models.at("demo");
    EXPECT_EQ(only.aliases, std::vector<std::string>{"gpt-4o-mini"});
    const pool& pool = only.versions.at("default").pools.at("default");
    const auto& worker = pool.replicas.at(0).worker;
    ASSERT_TRUE(worker);
    EXPECT_EQ(std::filesystem::canonical(worker->model), repository() / "models" / "penstock-demo");
}

TEST(examples, each_loads) {
    int num_loaded = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(repository() / "config" / "examples")) {
        if (!entry.is_regular_file() || entry.path().filename() == "tls.yaml") continue;
        EXPECT_FALSE(load_right_file(entry.path()).models.empty()) << entry.path();
        ++num_loaded;
    }
    EXPECT_GE(num_loaded, 3);
}

TEST(examples, the_one_with_tls_loads_beside_its_certificates) {
    const scratch_folder folder;
    const identity server = make_identity();
    const identity client = make_identity();
    folder.write("server.pem", server.certificate);
    folder.write("server.key", server.key);
    folder.write("client.pem", client.certificate);
    folder.write("client.key", client.key);
    folder.write("ca.pem", server.certificate);
    const auto file =
        folder.write("tls.yaml", text_of(repository() / "config" / "examples" / "tls.yaml"));
    const root s = load_right_file(file);
    ASSERT_TRUE(s.listen.at(0).tls);
    EXPECT_EQ(s.listen[0].tls->certificate, (folder.path() / "server.pem").string());
    EXPECT_EQ(s.listen[0].tls->key + "\n", server.key);
    const pool& pool = s.models.at("chat").versions.at("default").pools.at("default");
    EXPECT_EQ(pool.replicas.at(0).tls.value().key + "\n", client.key);
}

}  // namespace
}  // namespace penstock::settings
