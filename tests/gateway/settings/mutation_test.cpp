// Random damage to a file: never a crash, never a setting that is taken without being known.
#include "gateway/settings/loading.hpp"
#include "gateway/settings/print.hpp"
#include "gateway/settings/reflect.hpp"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <random>
#include <set>

namespace penstock::settings {
namespace {

const std::string original =
    "listen:\n"
    "  - address: 127.0.0.1:4000\n"
    "admin: {address: 127.0.0.1:4001}\n"
    "keys:\n"
    "  - name: search\n"
    "    sha256: " +
    std::string(64, 'a') +
    "\n"
    "    models: [chat]\n"
    "    classes: [realtime, bulk]\n"
    "classes:\n"
    "  realtime: {pending: 256, timeout: 10s}\n"
    "models:\n"
    "  chat:\n"
    "    aliases: [gpt-4o, &a gpt-4o-mini]\n"
    "    max_tokens: 4k\n"
    "    warmup: {body: \"x\"}\n"
    "    pools:\n"
    "      short: {context: 8k, replicas: [http://10.0.0.1:8000, http://10.0.0.2:8000]}\n"
    "      long:\n"
    "        context: 128k\n"
    "        replicas:\n"
    "          - url: http://10.0.0.3:8000\n"
    "            api_key: '$${x}'\n"
    "            slots: 16\n"
    "  embed:\n"
    "    replicas: [http://10.0.0.9:8000]\n"
    "timeouts: {connect: 1s, total: 10m}\n"
    "limits: {head: 16Ki, body: 32Mi}\n"
    "retry: {budget: 10%, attempts: 2}\n"
    "log: {level: info}\n";

std::set<std::string> known_patterns() {
    std::set<std::string> known;
    tree::for_each_setting([&](const std::string& pattern, const tree::value&) {
        known.insert(pattern);
    });
    return known;
}

// Every key of every mapping as a pattern, read by yaml-cpp's own nodes.
void expect_known(const YAML::Node& at, const std::string& pattern, const std::string& text) {
    static const std::set<std::string> known = known_patterns();
    const std::string dot = pattern.empty() ? "" : ".";
    if (at.IsSequence())
        for (const YAML::Node& item : at)
            expect_known(item, pattern + "[]", text);
    if (!at.IsMap()) return;
    const bool is_table = known.contains(pattern + ".*");
    for (const auto& entry : at) {
        const auto name = entry.first.as<std::string>();
        if (name == "file" && known.contains(pattern) && !known.contains(pattern + ".file")) return;
        const std::string there = is_table ? pattern + ".*" : pattern + dot + name;
        EXPECT_TRUE(known.contains(there)) << there << " was taken from\n" << text;
        expect_known(entry.second, there, text);
    }
}

// Whether it was loaded.
bool expect_nothing_unknown(const std::string& text) {
    load_result result = load_text(text, with_environment({}));
    if (const auto* wrong = std::get_if<std::vector<mistake>>(&result)) {
        EXPECT_FALSE(wrong->empty());
        for (const mistake& each : *wrong)
            EXPECT_FALSE(each.message.empty());
        return false;
    }
    expect_known(YAML::Load(text), "", text);
    EXPECT_FALSE(effective(std::get<loaded>(result).settings).empty());
    return true;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

TEST(mutations, of_bytes_never_crash_and_never_pass_unknown_keys) {
    std::mt19937 random(1);
    const auto below = [&](std::size_t n) { return random() % n; };
    static const std::string bytes = ":{}[],-&*!|>'\"%@`#$ \n\tabkx019~?\\\0\x80\xff";
    int num_loaded = 0;
    for (int round = 0; round < 4000; ++round) {
        std::string text = original;
        for (std::size_t edits = 1 + below(3); edits > 0; --edits) {
            const std::size_t at = below(text.size());
            const char byte = bytes[below(bytes.size())];
            switch (below(4)) {
                case 0:
                    text[at] = byte;
                    break;
                case 1:
                    text.insert(at, 1, byte);
                    break;
                case 2:
                    text.erase(at, 1 + below(8));
                    break;
                default:
                    text.insert(at, text.substr(below(text.size()), below(40)));
                    break;
            }
        }
        ASSERT_NO_THROW(num_loaded += expect_nothing_unknown(text)) << text;
    }
    EXPECT_GT(num_loaded, 50) << "the damage leaves too little to test";
}

TEST(mutations, of_lines_never_crash_and_never_pass_unknown_keys) {
    std::mt19937 random(2);
    const std::vector<std::string> lines = lines_of(original);
    for (int round = 0; round < 2000; ++round) {
        std::vector<std::string> mixed = lines;
        switch (random() % 3) {
            case 0:
                mixed.erase(mixed.begin() + random() % mixed.size());
                break;
            case 1:
                std::swap(mixed[random() % mixed.size()], mixed[random() % mixed.size()]);
                break;
            default:
                mixed.insert(
                    mixed.begin() + random() % mixed.size(), mixed[random() % mixed.size()]
                );
        }
        std::string text;
        for (const std::string& line : mixed)
            text += line + '\n';
        ASSERT_NO_THROW(expect_nothing_unknown(text)) << text;
    }
}

TEST(mutations, that_add_a_key_to_any_mapping_are_refused) {
    const std::vector<std::string> lines = lines_of(original);
    ASSERT_EQ(mistakes_of(original), "");
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const std::size_t brace = lines[i].find('{');
        if (brace == std::string::npos || lines[i].find("$${") != std::string::npos) continue;
        std::string text;
        for (std::size_t j = 0; j < lines.size(); ++j) {
            std::string line = lines[j];
            if (j == i) line.insert(brace + 1, "sldkfj: 1, ");
            text += line + '\n';
        }
        EXPECT_NE(mistakes_of(text).find("sldkfj: there is no such setting"), std::string::npos)
            << text;
    }
}

TEST(mutations, that_truncate_never_crash) {
    for (std::size_t n = 0; n <= original.size(); ++n)
        ASSERT_NO_THROW(expect_nothing_unknown(original.substr(0, n))) << n;
}

TEST(mutations, that_nest_deeply_are_refused) {
    const std::string open(100'000, '[');
    EXPECT_NE(mistakes_of(open), "");
    EXPECT_NE(mistakes_of("a: " + open), "");
    std::string braces;
    for (int i = 0; i < 50'000; ++i)
        braces += "{a: ";
    EXPECT_NE(mistakes_of(braces), "");
}

}  // namespace
}  // namespace penstock::settings
