// What an operator asks, out of its JSON.
#include "gateway/explain/question.hpp"

#include "gateway/endpoints.hpp"
#include "gateway/snapshot.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>

namespace penstock::gateway {
namespace {

using boost::json::object;
using openai::dialect;

constexpr std::array<std::string_view, 11> members{
    "method",
    "path",
    "headers",
    "body",
    "bytes",
    "model",
    "stream",
    "max_tokens",
    "key",
    "key_name",
    "class"
};

refusal wrong(std::string_view name, std::string_view expected) {
    return {
        errc::wrong_type,
        "`" + std::string(name) + "` must be " + std::string(expected) + ".",
        std::string(name)
    };
}

// Lines of a head are made of it.
bool is_one_line(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

// Left as it is when it is not there.
stage_result<> take_text(const object& o, std::string_view name, std::string& out) {
    const auto* value = o.if_contains(name);
    if (!value) return success();
    if (!value->is_string()) return wrong(name, "a string");
    out = value->as_string();
    if (!is_one_line(out)) return wrong(name, "a string without line ends");
    return success();
}

// A body may be as deep as a client's, and one deeper, to be refused in the client's words.
stage_result<object> parse(std::string_view json, std::uint32_t body_depth) {
    boost::json::parse_options how;
    how.max_depth = body_depth + 2;
    boost::system::error_code bad;
    auto value = boost::json::parse(json, bad, {}, how);
    if (bad) return refusal(errc::invalid_json, "The question is not JSON: " + bad.message() + ".");
    if (!value.is_object()) return refusal(errc::wrong_type, "An object is expected.");
    for (const auto& [name, _] : value.as_object())
        if (std::find(members.begin(), members.end(), std::string_view(name)) == members.end())
            return refusal(
                errc::invalid_value,
                "There is no member `" + std::string(name).substr(0, 64) + "` of a question.",
                std::string(name).substr(0, 64)
            );
    return std::move(value).as_object();
}

// ── the head ────────────────────────────────────────────────────────────────────────────────────

// A body that is asked about has no framing.
bool is_framing(std::string_view name) {
    for (const char* each : {"host", "content-length", "transfer-encoding", "connection", "expect"})
        if (http::same_name(name, each)) return true;
    return false;
}

stage_result<> add_headers(const object& o, std::string& head) {
    const auto* value = o.if_contains("headers");
    if (!value) return success();
    const auto* lines = value->if_object();
    if (!lines) return wrong("headers", "an object of strings");
    for (const auto& [name, text] : *lines) {
        if (!text.is_string() || !is_one_line(text.as_string()) || !is_one_line(name))
            return wrong("headers", "an object of strings without line ends");
        if (is_framing(name)) continue;
        head.append(std::string_view(name)).append(": ").append(text.as_string()).append("\r\n");
    }
    return success();
}

stage_result<> make_head(const object& o, const snapshot& s, explain_question& out) {
    std::string method = "POST", path = "/v1/chat/completions", key, klass;
    CHECK(take_text(o, "method", method));
    CHECK(take_text(o, "path", path));
    CHECK(take_text(o, "key", key));
    CHECK(take_text(o, "key_name", out.key_name));
    CHECK(take_text(o, "class", klass));
    if (!key.empty() && !out.key_name.empty())
        return refusal(errc::invalid_value, "`key` or `key_name`, not both.", "key_name");
    std::string& head = out.head_bytes;
    head = method + " " + path + " HTTP/1.1\r\nHost: explained\r\n";
    if (!key.empty()) head += "Authorization: Bearer " + key + "\r\n";
    if (!klass.empty()) head += "x-penstock-class: " + klass + "\r\n";
    CHECK(add_headers(o, head));
    head += "\r\n";
    auto parsed = http::parse_request_head(head, s.server.head, out.head);
    if (parsed.has_value()) return success();
    refusal why = std::move(parsed).error();
    why.param = why.code == errc::target_too_long || path.find(' ') != std::string::npos
                    ? "path"
                    : "headers";
    return why;
}

// ── the body ────────────────────────────────────────────────────────────────────────────────────

stage_result<std::uint64_t> number_in(const object& o, std::string_view name, std::uint64_t most) {
    const auto* value = o.if_contains(name);
    const bool good = value && value->is_int64() && value->as_int64() >= 0 &&
                      static_cast<std::uint64_t>(value->as_int64()) <= most;
    if (!good) return wrong(name, "a whole number from 0 to " + std::to_string(most));
    return static_cast<std::uint64_t>(value->as_int64());
}

// The shortest body of this dialect that holds the text. False: there is none of text alone.
bool put_text(dialect spoken, const std::string& text, object& body) {
    switch (spoken) {
        case dialect::chat:
        case dialect::messages:
            body["messages"] = boost::json::array{object{{"role", "user"}, {"content", text}}};
            return true;
        case dialect::completions:
        case dialect::fim:
            body["prompt"] = text;
            return true;
        case dialect::embeddings:
        case dialect::responses:
            body["input"] = text;
            return true;
        default:
            return false;
    }
}

std::string_view maximum_of(dialect spoken) {
    return spoken == dialect::responses ? "max_output_tokens" : "max_tokens";
}

stage_result<> make_body(
    const object& o, const snapshot& s, const endpoint_row* route, explain_question& asked
) {
    TRY(const std::uint64_t bytes, number_in(o, "bytes", s.server.body_bytes));
    // Where there is no route the body will not be read.
    const dialect spoken = route ? route->spoken : dialect::chat;
    object body;
    std::string model;
    CHECK(take_text(o, "model", model));
    if (!model.empty()) body["model"] = model;
    if (!put_text(spoken, std::string(bytes, 'a'), body))
        return refusal(
            errc::invalid_value, "A body for this path cannot be made of `bytes`.", "bytes"
        );
    if (const auto* stream = o.if_contains("stream")) {
        if (!stream->is_bool()) return wrong("stream", "true or false");
        body["stream"] = *stream;
    }
    if (o.contains("max_tokens")) {
        TRY(const std::uint64_t most, number_in(o, "max_tokens", 0xffff'ffff));
        body[maximum_of(spoken)] = most;
    }
    asked.body = serialize(body);
    return success();
}

stage_result<> take_body(const object& o, const boost::json::value& given, std::string& out) {
    for (const char* made : {"bytes", "model", "stream", "max_tokens"})
        if (o.contains(made))
            return refusal(
                errc::invalid_value,
                "`" + std::string(made) + "` is for a question without a `body`.",
                made
            );
    if (!given.is_string() && !given.is_object()) return wrong("body", "an object or a string");
    out = given.is_string() ? std::string(given.as_string()) : serialize(given);
    return success();
}

}  // namespace

stage_result<> read_question(std::string_view json, const snapshot& s, explain_question& out) {
    TRY(const object o, parse(json, s.settings.limits.json_depth));
    const auto* given = o.if_contains("body");
    if (!given && !o.contains("bytes"))
        return refusal(
            errc::missing_field, "`body` is missing, and so is `bytes` in its place.", "body"
        );
    if (given) {
        CHECK(take_body(o, *given, out.body));
    }
    CHECK(make_head(o, s, out));
    std::string allowed;
    const auto found = find_endpoint(out.head.method, out.head.path, allowed);
    const endpoint_row* route = found.has_value() ? found.value().row : nullptr;
    if (route && route->local)
        return refusal(errc::invalid_value, "The gateway answers this path itself.", "path");
    return given ? success() : make_body(o, s, route, out);
}

}  // namespace penstock::gateway
