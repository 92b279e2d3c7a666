// What a scripted upstream does with one request.
#include "support/answer.hpp"

namespace penstock::test {
namespace {

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

std::string event_of(std::string_view text) {
    const bool has_fields = text.starts_with(':') || text.starts_with("event:") ||
                            text.starts_with("data:") || text.starts_with("id:");
    return (has_fields ? std::string() : std::string("data: ")) + std::string(text) + "\n\n";
}

std::string chunk_of(std::string_view delta, std::string_view finish) {
    return R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"scripted",)"
           R"("choices":[{"index":0,"delta":)" +
           std::string(delta) + R"(,"finish_reason":)" + std::string(finish) + "}]}";
}

std::string usage_of(int prompt, int completion) {
    return R"("usage":{"prompt_tokens":)" + std::to_string(prompt) + R"(,"completion_tokens":)" +
           std::to_string(completion) + R"(,"total_tokens":)" +
           std::to_string(prompt + completion) + "}";
}

std::string content_chunk(std::string_view word) {
    return chunk_of(R"({"content":)" + quoted(word) + "}", "null");
}

constexpr std::string_view error_text =
    R"({"error":{"message":"scripted failure","type":"server_error","param":null,"code":null}})";

}  // namespace

answer json(std::string body, int status) {
    answer made;
    made.status = status;
    made.headers = {{"Content-Type", "application/json"}};
    made.pieces = {std::move(body)};
    return made;
}

answer sse(std::vector<std::string> events, bool done) {
    answer made;
    made.headers = {{"Content-Type", "text/event-stream; charset=utf-8"}};
    made.framed = framing::chunked;
    if (done) events.emplace_back("[DONE]");
    for (const auto& text : events)
        made.pieces.push_back(event_of(text));
    return made;
}

answer chat_stream(std::vector<std::string> words, std::optional<std::pair<int, int>> usage) {
    std::vector<std::string> events{chunk_of(R"({"role":"assistant","content":""})", "null")};
    for (const auto& word : words)
        events.push_back(content_chunk(word));
    events.push_back(chunk_of("{}", R"("stop")"));
    if (usage) {
        events.push_back(
            R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,)"
            R"("model":"scripted","choices":[],)" +
            usage_of(usage->first, usage->second) + "}"
        );
    }
    return sse(std::move(events));
}

answer chat(std::string_view text, int prompt_tokens, int completion_tokens) {
    return json(
        R"({"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"scripted",)"
        R"("choices":[{"index":0,"message":{"role":"assistant","content":)" +
        quoted(text) + R"(},"finish_reason":"stop"}],)" +
        usage_of(prompt_tokens, completion_tokens) + "}"
    );
}

answer failure(int status, std::string_view message) {
    return json(
        R"({"error":{"message":)" + quoted(message) +
            R"(,"type":"server_error","param":null,"code":null}})",
        status
    );
}

answer busy(int status, int retry_after_seconds) {
    answer made = failure(status, "scripted overload");
    made.headers.emplace_back("Retry-After", std::to_string(retry_after_seconds));
    return made;
}

answer error_event_first() {
    return sse({std::string(error_text)});
}

answer error_event_after(std::vector<std::string> good) {
    std::vector<std::string> events;
    for (const auto& word : good)
        events.push_back(content_chunk(word));
    events.emplace_back(error_text);
    return sse(std::move(events));
}

answer silence() {
    answer made;
    made.before_head = forever;
    return made;
}

answer held(answer what, std::shared_ptr<std::atomic<std::size_t>> allowed) {
    what.allowed = std::move(allowed);
    return what;
}

answer endless(std::uint64_t bytes) {
    constexpr std::size_t event_size = 1024;
    const std::size_t frame = event_of(content_chunk("")).size();
    answer made = sse({content_chunk(std::string(event_size - frame, 'x'))}, false);
    made.repeat = bytes / event_size;
    return made;
}

}  // namespace penstock::test
