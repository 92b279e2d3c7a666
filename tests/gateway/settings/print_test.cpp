// What `penstock check` prints.
#include "gateway/settings/print.hpp"

#include "gateway/settings/certificates.hpp"
#include "gateway/settings/loading.hpp"

#include <gmock/gmock.h>

namespace penstock::settings {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
        text.replace(at, what.size(), with);
    return text;
}

TEST(print, shows_defaults_in_human_units) {
    const std::string text = effective(settings_of(demo));
    EXPECT_THAT(text, HasSubstr("timeouts:\n  connect: 1s\n  first_byte: 1m\n"));
    EXPECT_THAT(text, HasSubstr("limits:\n  head: 16Ki\n"));
    EXPECT_THAT(text, HasSubstr("retry:\n  budget: 10%\n"));
    EXPECT_THAT(text, HasSubstr("expose_headers: all\n"));
    EXPECT_THAT(text, HasSubstr("listen:\n  - address: \"127.0.0.1:4000\"\n    tls: null\n"));
    EXPECT_THAT(text, HasSubstr("keys: []\n"));
}

TEST(print, reads_back_to_equal_settings) {
    const scratch_folder folder;
    const identity self = make_identity();
    folder.write("self.pem", self.certificate);
    folder.write("self.key", self.key);
    const std::string folder_name = folder.path().string();
    load_options options = with_environment({{"UPSTREAM", "sk-upstream"}});
    options.folder = folder.path();
    const root settings = settings_of(
        "threads: 2\n"
        "listen:\n"
        "  - {address: 0.0.0.0:4000, tls: {certificate: self.pem, key: {file: self.key}}}\n"
        "  - {address: 'unix:/run/a b.sock'}\n"
        "admin: {address: 'localhost:4001'}\n"
        "keys:\n"
        "  - {name: \"null\", sha256: " +
            some_digest +
            ", tenant: t, models: [chat, '7']}\n"
            "  - {name: \"12\", sha256: " +
            other_digest +
            ", routes: [/v1/models], classes: [bulk]}\n"
            "retry: {budget: 0.125}\n"
            "compat: {litellm_status: 1.81}\n"
            "log: {requests: ''}\n"
            "timeouts: {connect: 1500ms, total: 2d}\n"
            "models:\n"
            "  '7': {replicas: [http://a]}\n"
            "  true: {context: 8k, replicas: [http://b]}\n"
            "  chat:\n"
            "    aliases: [gpt-4o, 'a:b', 'no']\n"
            "    upstream_model: \"odd $${name} \\\"quoted\\\" \\\\ # - é\"\n"
            "    warmup: {body: \"{\\\"a\\\":\\n\\t1}\"}\n"
            "    pools:\n"
            "      z: {context: 1k, replicas: [{url: http://c, api_key: '${UPSTREAM}'}]}\n"
            "      a: {replicas: [{url: https://d, serves: [/v1/embeddings], tls: {ca: "
            "self.pem}}]}\n",
        options
    );
    std::string text = effective(settings);
    text = replaced(text, "api_key: <set>", "api_key: sk-upstream");
    text = replaced(text, " key: <set>", " key: {file: " + folder_name + "/self.key}");
    // The last line end of a {file: …} is not part of its value.
    EXPECT_EQ(settings_of(text), settings) << text;
}

TEST(print, never_shows_a_secret_and_does_not_take_the_mark_for_one) {
    const root settings = settings_of(
        "models: {a: {replicas: [{url: http://a, api_key: '${S}'}]}}",
        with_environment({{"S", "hunter2"}})
    );
    const std::string text = effective(settings);
    EXPECT_THAT(text, HasSubstr("api_key: <set>\n"));
    EXPECT_THAT(text, Not(HasSubstr("hunter2")));
    EXPECT_THAT(mistakes_of(text), HasSubstr("api_key: `<set>` is what is printed"));
}

TEST(print, digests_what_is_in_force) {
    const std::string before = digest(settings_of(demo));
    EXPECT_EQ(before.size(), 12u);
    EXPECT_EQ(digest(settings_of("threads: 0\n" + demo)), before) << "a default, written out";
    EXPECT_NE(digest(settings_of("threads: 1\n" + demo)), before);
}

}  // namespace
}  // namespace penstock::settings
