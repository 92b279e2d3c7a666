// Payload out of its framing, split at every byte, against an obvious reader.
#include "penstock/http/body_reader.hpp"

#include <gtest/gtest.h>

#include <random>

namespace penstock::http {
namespace {

using namespace std::literals;
using step = body_reader::step;

struct reading {
    std::string body;
    std::string left;  // of the input, after the end
    step last = step::more;

    bool operator==(const reading&) const = default;
};

// Feeds `input` in pieces that end at `cuts`.
reading read(body_reader reader, std::string_view input, const std::vector<std::size_t>& cuts) {
    reading out;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= cuts.size(); ++i) {
        const auto end = i < cuts.size() ? cuts[i] : input.size();
        auto bytes = input.substr(begin, end - begin);
        std::string_view payload;
        while ((out.last = reader.next(bytes, payload)) == step::payload) {
            EXPECT_FALSE(payload.empty());
            out.body += payload;
        }
        if (out.last != step::more) {
            if (out.last == step::done) out.left = input.substr(end - bytes.size());
            return out;
        }
        begin = end;
    }
    return out;
}

reading read_chunked(std::string_view input, const std::vector<std::size_t>& cuts = {}) {
    return read(body_reader(body_framing::chunked, 0), input, cuts);
}

const auto several_chunks =
    "5\r\nhello\r\n1a;name=\"value; x\"\r\nabcdefghijklmnopqrstuvwxyz\r\n0001\t ;a\r\n\n\r\n"
    "000;last\r\nX-Trailer: yes\r\nEmpty:\r\n\r\nGET /"sv;
const reading several_read{"helloabcdefghijklmnopqrstuvwxyz\n", "GET /", step::done};

TEST(body_reader, takes_chunks_out_of_their_framing) {
    EXPECT_EQ(read_chunked(several_chunks), several_read);
}

TEST(body_reader, reads_the_same_split_at_every_position) {
    for (std::size_t cut = 0; cut <= several_chunks.size(); ++cut)
        EXPECT_EQ(read_chunked(several_chunks, {cut}), several_read) << cut;
}

TEST(body_reader, reads_the_same_split_at_every_two_positions_and_byte_by_byte) {
    for (std::size_t a = 0; a <= several_chunks.size(); ++a)
        for (std::size_t b = a; b <= several_chunks.size(); ++b)
            ASSERT_EQ(read_chunked(several_chunks, {a, b}), several_read) << a << " " << b;
    std::vector<std::size_t> every(several_chunks.size());
    for (std::size_t i = 0; i < every.size(); ++i)
        every[i] = i;
    EXPECT_EQ(read_chunked(several_chunks, every), several_read);
}

TEST(body_reader, wants_more_at_every_position_before_the_end) {
    const auto end = several_chunks.size() - "GET /"sv.size();
    for (std::size_t size = 0; size < end; ++size)
        EXPECT_EQ(read_chunked(several_chunks.substr(0, size)).last, step::more) << size;
    EXPECT_EQ(read_chunked(several_chunks.substr(0, end)).last, step::done);
}

TEST(body_reader, hands_on_views_of_the_input) {
    const auto input = "3\r\nabc\r\n"sv;
    auto bytes = input;
    std::string_view payload;
    body_reader reader(body_framing::chunked, 0);
    ASSERT_EQ(reader.next(bytes, payload), step::payload);
    EXPECT_EQ(payload.data(), input.data() + 3);
    EXPECT_EQ(reader.next(bytes, payload), step::more);
    EXPECT_TRUE(bytes.empty());
}

TEST(body_reader, refuses_broken_chunk_framing_wherever_it_is_cut) {
    for (const auto input :
         {"\r\n"sv,
          "g\r\n"sv,
          "-1\r\n"sv,
          "+1\r\n"sv,
          " 1\r\na\r\n"sv,
          "0x1\r\na\r\n"sv,
          "1\na\r\n"sv,
          "1\r\r\na"sv,
          "1 \r\na\r\n"sv,
          "1 1\r\na\r\n"sv,
          ";x\r\n"sv,
          "1\r\nab\r\n"sv,
          "1\r\na\n"sv,
          "1\r\na\r\r"sv,
          "1;a\nb\r\na\r\n"sv,
          "1;a\0b\r\na\r\n"sv,
          "1;a\rb\r\na\r\n"sv,
          "0\r\n\n"sv,
          "0\r\n\r\r"sv,
          "0\r\n a: b\r\n\r\n"sv,
          "0\r\nab\r\n\r\n"sv,
          "0\r\n: b\r\n\r\n"sv,
          "0\r\na: \0b\r\n"sv,
          "0\r\na: b\n\r\n"sv,
          "0\r\na : b\r\n"sv,
          "0\r\nGET / HTTP/1.1\r\n\r\n"sv,
          "00000000000000001\r\na\r\n"sv,
          "fffffffffffffffff\r\n"sv}) {
        const auto shown = testing::PrintToString(std::string(input));
        EXPECT_EQ(read_chunked(input).last, step::malformed) << shown;
        for (std::size_t cut = 1; cut < input.size(); ++cut)
            EXPECT_EQ(read_chunked(input, {cut}).last, step::malformed) << shown << " at " << cut;
    }
}

TEST(body_reader, stays_malformed) {
    body_reader reader(body_framing::chunked, 0);
    std::string_view bytes = "x", payload;
    EXPECT_EQ(reader.next(bytes, payload), step::malformed);
    bytes = "1\r\na\r\n";
    EXPECT_EQ(reader.next(bytes, payload), step::malformed);
    EXPECT_FALSE(reader.may_end_by_close());
    EXPECT_FALSE(reader.is_done());
}

TEST(body_reader, takes_chunk_sizes_of_64_bits) {
    EXPECT_EQ(read_chunked("ffffffffffffffff\r\nabc").body, "abc");
    EXPECT_EQ(read_chunked("FFFFFFFFFFFFFFFF\r\nabc").last, step::more);
    EXPECT_EQ(read_chunked("0000000000000003\r\nabc\r\n0\r\n\r\n").last, step::done);
}

TEST(body_reader, bounds_chunk_extensions_and_trailers) {
    const auto extension = [](std::size_t size) {
        return "1;" + std::string(size, 'x') + "\r\na\r\n0\r\n\r\n";
    };
    EXPECT_EQ(read_chunked(extension(4096)).last, step::done);
    EXPECT_EQ(read_chunked(extension(4097)).last, step::malformed);
    EXPECT_EQ(read_chunked("1" + std::string(4097, ' ') + ";a\r\n").last, step::malformed);

    const auto long_line = "1;" + std::string(3000, 'x') + "\r\na\r\n";
    EXPECT_EQ(read_chunked(long_line + long_line + "0\r\n\r\n").body, "aa");

    const auto trailers = [](std::size_t size, int num) {
        std::string out = "0\r\n";
        for (int i = 0; i < num; ++i)
            out += "a:" + std::string(size - 2, 'x') + "\r\n";
        return out + "\r\n";
    };
    EXPECT_EQ(read_chunked(trailers(4096, 4)).last, step::done);
    EXPECT_EQ(read_chunked(trailers(4097, 1)).last, step::malformed);
    EXPECT_EQ(read_chunked(trailers(4000, 5)).last, step::malformed);
    EXPECT_EQ(read_chunked(trailers(2, 8192)).last, step::done);
    EXPECT_EQ(read_chunked(trailers(2, 8193)).last, step::malformed);
}

TEST(body_reader, ends_a_sized_body_after_its_bytes) {
    for (std::size_t cut = 0; cut <= 9; ++cut) {
        const auto it = read(body_reader(body_framing::sized, 5), "helloPOST", {cut});
        EXPECT_EQ(it, (reading{"hello", "POST", step::done})) << cut;
    }
    EXPECT_EQ(read(body_reader(body_framing::sized, 6), "hello", {}).last, step::more);
    EXPECT_EQ(read(body_reader(body_framing::sized, 0), "x", {}), (reading{"", "x", step::done}));
}

TEST(body_reader, has_no_body_without_framing) {
    EXPECT_EQ(read(body_reader(body_framing::none, 7), "x", {}), (reading{"", "x", step::done}));
    EXPECT_TRUE(body_reader().is_done());
}

TEST(body_reader, reads_until_the_connection_closes) {
    body_reader reader(body_framing::until_close, 0);
    EXPECT_TRUE(reader.may_end_by_close());
    EXPECT_EQ(read(reader, "any\r\nbytes", {4}), (reading{"any\r\nbytes", "", step::more}));
}

TEST(body_reader, may_end_by_close_only_when_nothing_is_missing) {
    std::string_view bytes = "hel", payload;
    body_reader sized(body_framing::sized, 5);
    ASSERT_EQ(sized.next(bytes, payload), step::payload);
    EXPECT_FALSE(sized.may_end_by_close());
    bytes = "lo";
    ASSERT_EQ(sized.next(bytes, payload), step::payload);
    EXPECT_TRUE(sized.is_done());
    EXPECT_TRUE(sized.may_end_by_close());

    body_reader chunked(body_framing::chunked, 0);
    bytes = "0\r\n\r";
    EXPECT_EQ(chunked.next(bytes, payload), step::more);
    EXPECT_FALSE(chunked.may_end_by_close());
    bytes = "\n";
    EXPECT_EQ(chunked.next(bytes, payload), step::done);
    EXPECT_TRUE(chunked.may_end_by_close());
}

TEST(body_reader, gives_back_random_bodies_chunked_and_cut_at_random) {
    std::mt19937 random(7);
    for (int round = 0; round < 2'000; ++round) {
        std::string body, wire;
        for (auto num = random() % 6; num > 0; --num) {
            std::string chunk(1 + random() % 300, '\0');
            for (auto& c : chunk)
                c = static_cast<char>(random());
            char size[8];
            std::snprintf(size, sizeof size, random() % 2 ? "%zx" : "%04zX", chunk.size());
            wire.append(size).append("\r\n").append(chunk).append("\r\n");
            body += chunk;
        }
        wire += "0\r\n\r\nnext";
        std::vector<std::size_t> cuts;
        for (std::size_t at = 0; (at += random() % 50) < wire.size();)
            cuts.push_back(at);
        ASSERT_EQ(read_chunked(wire, cuts), (reading{body, "next", step::done}));
    }
}

}  // namespace
}  // namespace penstock::http
