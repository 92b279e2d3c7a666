// Request heads, held against another parser.
#include "penstock/http/head.hpp"
#include "support/beast_request.hpp"

#include <gtest/gtest.h>

#include <random>

namespace penstock::http {
namespace {

using namespace std::literals;

// Heads with bytes replaced, taken out and put in where a head is sensitive to them.
std::string mutated(std::string head, std::mt19937& random) {
    constexpr auto bytes = "\r\n\t :,;/?#()\"@[]{}\\=.1Ha\0\x7f\x80\xff"sv;
    for (unsigned changes = 1 + random() % 3; changes > 0; --changes) {
        const std::size_t at = random() % head.size();
        const char byte = bytes[random() % bytes.size()];
        switch (random() % 3) {
            case 0:
                head[at] = byte;
                break;
            case 1:
                head.erase(at, 1);
                break;
            default:
                head.insert(at, 1, byte);
        }
    }
    return head;
}

TEST(request_head, reads_nothing_but_what_another_parser_reads) {
    const std::string heads[] = {
        "POST /v1/chat HTTP/1.1\r\nHost: a:1\r\nContent-Length: 42\r\nX-A:\t b c \t\r\n"
        "Connection: keep-alive, x\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "POST http://a:1/b?c=d HTTP/1.1\r\nHost: a:1\r\nTransfer-Encoding: chunked\r\n\r\n"
    };
    std::mt19937 random{7};
    int num_read = 0;
    for (int i = 0; i < 60'000; ++i) {
        const std::string raw = mutated(heads[i % std::size(heads)], random);
        request_head ours, theirs;
        if (!parse_request_head(raw, {}, ours)) continue;
        ++num_read;
        std::string_view head = raw;
        while (head.starts_with("\r\n"))
            head.remove_prefix(2);
        ASSERT_TRUE(test::read_with_beast(head, theirs)) << testing::PrintToString(raw);
        ASSERT_TRUE(test::says_the_same(ours, theirs)) << testing::PrintToString(raw);
    }
    EXPECT_GT(num_read, 5'000);
}

}  // namespace
}  // namespace penstock::http
