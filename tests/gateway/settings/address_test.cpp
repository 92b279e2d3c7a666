// Addresses of listeners and replicas.
#include "gateway/settings/address.hpp"

#include <gtest/gtest.h>

namespace penstock::settings {
namespace {

std::string listening(const std::string& text) {
    const auto parsed = parse_listen(text);
    return parsed ? to_text(parsed.value()) : "!";
}

std::string upstream(const std::string& text) {
    const auto parsed = parse_upstream(text);
    if (!parsed) return "!";
    return (parsed.value().tls ? "tls " : "") + to_text(parsed.value());
}

TEST(address, reads_where_to_listen) {
    EXPECT_EQ(listening("127.0.0.1:4000"), "127.0.0.1:4000");
    EXPECT_EQ(listening("0.0.0.0:0"), "0.0.0.0:0");
    EXPECT_EQ(listening("[::1]:4000"), "[::1]:4000");
    EXPECT_EQ(listening("localhost:4000"), "127.0.0.1:4000");
    EXPECT_EQ(listening("unix:/run/penstock.sock"), "unix:/run/penstock.sock");
}

TEST(address, refuses_what_nobody_can_listen_on) {
    for (const char* text :
         {"",
          ":4000",
          "4000",
          "127.0.0.1",
          "127.0.0.1:",
          "127.0.0.1:65536",
          "127.0.0.1:+1",
          "127.0.0.1:4000x",
          "::1:4000",
          "[::1]",
          "[::1]4000",
          "[::1",
          "[127.0.0.1]:1",
          "example.com:4000",
          "http://127.0.0.1:4000",
          "256.0.0.1:1",
          "127.1:1",
          "*:4000",
          "unix:"})
        EXPECT_EQ(listening(text), "!") << text;
    EXPECT_EQ(listening("unix:/" + std::string(106, 'x')), "unix:/" + std::string(106, 'x'));
    EXPECT_EQ(listening("unix:/" + std::string(107, 'x')), "!");
}

TEST(address, reads_urls_of_replicas) {
    EXPECT_EQ(upstream("http://10.0.0.1:8000"), "10.0.0.1:8000");
    EXPECT_EQ(upstream("http://10.0.0.1:8000/"), "10.0.0.1:8000");
    EXPECT_EQ(upstream("http://engine"), "engine:80");
    EXPECT_EQ(upstream("https://engine.example.com"), "tls engine.example.com:443");
    EXPECT_EQ(upstream("http://[fd00::1]:8000"), "[fd00::1]:8000");
    EXPECT_EQ(upstream("unix:/run/engine.sock"), "unix:/run/engine.sock");
}

TEST(address, refuses_urls_that_say_more_or_less_than_where) {
    for (const char* text :
         {"",
          "http://",
          "http:///",
          "engine:8000",
          "ftp://engine",
          "http://engine/v1",
          "http://engine?x",
          "http://engine#x",
          "http://user:secret@engine",
          "http://engine:0",
          "http://engine:99999",
          "http://engine:",
          "http://en gine",
          "http://-engine",
          "http://a..b",
          "http://fd00::1:8000",
          "HTTP//engine",
          "unix:"})
        EXPECT_EQ(upstream(text), "!") << text;
}

TEST(address, knows_what_only_this_machine_reaches) {
    const auto local = [](const char* text) { return is_local(parse_listen(text).value()); };
    EXPECT_TRUE(local("127.0.0.1:1"));
    EXPECT_TRUE(local("127.9.9.9:1"));
    EXPECT_TRUE(local("[::1]:1"));
    EXPECT_TRUE(local("unix:/x"));
    EXPECT_FALSE(local("0.0.0.0:1"));
    EXPECT_FALSE(local("[::]:1"));
    EXPECT_FALSE(local("10.0.0.1:1"));
    EXPECT_FALSE(local("[::ffff:127.0.0.1]:1"));
}

TEST(address, names_the_first_that_another_machine_may_reach) {
    EXPECT_EQ(first_not_local({}), "");
    EXPECT_EQ(first_not_local({"127.0.0.1:1", "[::1]:1", "unix:/x"}), "");
    EXPECT_EQ(first_not_local({"127.0.0.1:1", "10.0.0.1:1", "[::]:1"}), "10.0.0.1:1");
    EXPECT_EQ(first_not_local({"[fe80::1%eth0]:1"}), "[fe80::1%eth0]:1") << "in doubt it is open";
}

}  // namespace
}  // namespace penstock::settings
