// A second opinion on request heads: Beast's parser, which shares nothing with ours.
#pragma once

#include "penstock/http/head.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <algorithm>

namespace penstock::test {

namespace beast = boost::beast;
using http::request_head;

class beast_request_parser final : public beast::http::basic_parser<true> {
 public:
    beast_request_parser(std::string_view raw, request_head& out) : out_(out) {
        header_limit(static_cast<std::uint32_t>(raw.size()));
        body_limit(boost::none);
    }

 private:
    using error_code = beast::error_code;
    using text = beast::string_view;

    static std::string_view view(text s) { return {s.data(), s.size()}; }

    void on_request_impl(beast::http::verb, text method, text target, int version, error_code&)
        override {
        out_.method = view(method);
        out_.target = view(target);
        out_.minor_version = version - 10;
    }
    void on_field_impl(beast::http::field, text name, text value, error_code&) override {
        out_.headers.add({view(name), view(value), {}});
    }

    void on_response_impl(int, text, int, error_code&) override {}
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(text body, error_code&) override { return body.size(); }
    void on_chunk_header_impl(std::uint64_t, text, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, text body, error_code&) override {
        return body.size();
    }
    void on_finish_impl(error_code&) override {}

    request_head& out_;
};

// Fills method, target, minor_version and headers with views into `raw`, a whole head without
// leading empty lines. False when Beast refuses it.
inline bool read_with_beast(std::string_view raw, request_head& out) {
    beast_request_parser parser(raw, out);
    beast::error_code failed;
    const auto used = parser.put(boost::asio::const_buffer(raw.data(), raw.size()), failed);
    return !failed && parser.is_header_done() && used == raw.size();
}

// The same request line and the same headers, byte for byte.
inline bool says_the_same(const request_head& a, const request_head& b) {
    const auto same = [](const http::header& x, const http::header& y) {
        return x.name == y.name && x.value == y.value;
    };
    return a.method == b.method && a.target == b.target && a.minor_version == b.minor_version &&
           std::equal(a.headers.begin(), a.headers.end(), b.headers.begin(), b.headers.end(), same);
}

}  // namespace penstock::test
