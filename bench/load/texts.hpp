// What a model server says, as bytes: heads, chunks, events of a chat completion.
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>

namespace penstock::bench {

constexpr std::string_view chunk_begin =
    R"(data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,)"
    R"("model":"bench","choices":[)";
constexpr std::string_view stream_head =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    "cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
constexpr std::string_view model_list =
    R"({"object":"list","data":[{"id":"bench","object":"model","created":1700000000,)"
    R"("owned_by":"bench","max_model_len":131072}]})";

// A whole answer with its head.
inline std::string sized(
    std::string_view status, std::string_view body, std::string_view type = "application/json"
) {
    std::string answer = "HTTP/1.1 ";
    ((answer += status) += "\r\ncontent-type: ") += type;
    (answer += "\r\ncontent-length: ") += std::to_string(body.size());
    answer += "\r\n\r\n";
    return answer += body;
}

inline std::string chunk(std::string_view payload) {
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", payload.size());
    return (std::string(size) += payload) += "\r\n";
}

// `choice` and what follows it in the object, the bracket that ends the choices first.
inline std::string event(std::string_view choice, std::string_view rest) {
    return chunk(((std::string(chunk_begin) += choice) += rest) += "}\n\n");
}

inline std::string end_of_stream() {
    return chunk("data: [DONE]\n\n") + "0\r\n\r\n";
}

// The `stream` of a request's JSON as clients write it; false where there is none.
inline bool asks_for_stream(std::string_view body) {
    constexpr std::string_view name = "\"stream\"";
    const auto at = body.find(name);
    if (at == std::string_view::npos) return false;
    body.remove_prefix(at + name.size());
    body.remove_prefix(std::min(body.find_first_not_of(" :"), body.size()));
    return body.starts_with("true");
}

}  // namespace penstock::bench
