// Who is asking, and for which route. From the head alone: a stranger cannot make us read a body.
#include "gateway/request_state.hpp"
#include "gateway/stages/shed.hpp"
#include "gateway/stages/stages.hpp"
#include "penstock/openai/facts.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <charconv>

namespace penstock::gateway {
namespace {

// OpenSSL fetches the algorithm anew at every EVP_Digest, which costs four times the digest itself.
key_digest digest_of(std::string_view key) {
    struct context {
        EVP_MD* algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
        EVP_MD_CTX* state = EVP_MD_CTX_new();
        ~context() {
            EVP_MD_CTX_free(state);
            EVP_MD_free(algorithm);
        }
    };
    thread_local context c;
    key_digest digest{};
    EVP_DigestInit_ex2(c.state, c.algorithm, nullptr);
    EVP_DigestUpdate(c.state, key.data(), key.size());
    EVP_DigestFinal_ex(c.state, digest.data(), nullptr);
    return digest;
}

// `Authorization: Bearer`, then `x-api-key`, then `api-key`.
std::string_view key_in(const http::header_list& headers) {
    constexpr std::string_view bearer = "bearer ";
    const std::string_view authorization = headers.find("authorization");
    if (authorization.size() > bearer.size() &&
        http::same_name(authorization.substr(0, bearer.size()), bearer))
        return authorization.substr(bearer.size());
    if (const auto key = headers.find("x-api-key"); !key.empty()) return key;
    return headers.find("api-key");
}

std::optional<duration> milliseconds_in(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size() || value <= 0 ||
        value > std::chrono::milliseconds(std::chrono::hours(24)).count())
        return std::nullopt;
    return std::chrono::milliseconds(value);
}

bool says_yes(std::string_view value) {
    return value == "1" || http::same_name(value, "true");
}

stage_result<> read_wishes(request_state& c) {
    const auto& headers = c.head.headers;
    auto& w = c.wishes;
    w.no_queue = says_yes(headers.find("x-penstock-no-queue"));
    w.no_keepalive = says_yes(headers.find("x-penstock-no-keepalive"));
    w.no_fallback = says_yes(headers.find("x-penstock-no-fallback"));
    if (const auto session = headers.find("x-penstock-session"); !session.empty())
        w.session_hash = openai::hash_of(session);
    if (const auto klass = headers.find("x-penstock-class"); !klass.empty()) {
        if (klass != "realtime" && klass != "bulk")
            return refusal(
                errc::invalid_value, "There are two classes: realtime and bulk.", "x-penstock-class"
            );
        w.klass = klass == "bulk" ? request_class::bulk : request_class::realtime;
    }
    c.record.klass = access::clamp_class(c.key->rights, w.klass.value_or(request_class::realtime));
    c.has_class = true;
    const auto read_time = [&](std::string_view name,
                               std::optional<duration>& out) -> stage_result<> {
        const std::string_view text = headers.find(name);
        if (text.empty()) return success();
        out = milliseconds_in(text);
        if (!out)
            return refusal(
                errc::invalid_value,
                "Milliseconds from 1 to 86400000 are expected.",
                std::string(name)
            );
        return success();
    };
    CHECK(read_time("x-penstock-deadline-ms", w.deadline));
    CHECK(read_time("x-slo-ttft-ms", w.ttft));
    CHECK(read_time("x-llm-d-slo-ttft-ms", w.ttft));
    return success();
}

bool is_master_key(const snapshot& s, std::string_view key) {
    const key_digest asked = digest_of(key);
    return CRYPTO_memcmp(asked.data(), s.master_key->data(), asked.size()) == 0;
}

// Keys of clients open nothing here, and the master key opens nothing else.
stage_result<> find_master(request_state& c) {
    const snapshot& s = *c.settings;
    c.key = &s.anonymous;
    const bool elsewhere = !s.settings.admin.address.empty() && !c.is_admin;
    if (elsewhere) return refusal(errc::unknown_route);
    if (!s.master_key)
        return refusal(
            errc::route_not_allowed, "The admin API is closed: `admin.master_key` is not set."
        );
    const std::string_view key = key_in(c.head.headers);
    if (key.empty()) return refusal(errc::missing_api_key);
    if (!is_master_key(s, key))
        return refusal(errc::invalid_api_key, "The admin API takes the master key only.");
    c.key = &s.master;
    return success();
}

stage_result<> find_key(request_state& c) {
    if (c.route && c.route->who == who_may::master) return find_master(c);
    const snapshot& s = *c.settings;
    c.key = c.spoken_for ? c.spoken_for : &s.anonymous;
    if (c.spoken_for || !s.asks_for_keys()) return success();
    const std::string_view key = key_in(c.head.headers);
    if (!key.empty()) {
        const auto found = s.keys.find(digest_of(key));
        if (found != s.keys.end()) {
            c.key = &found->second;
            return success();
        }
    }
    const bool open = c.route && (c.route->who == who_may::anyone ||
                                  (c.route->who == who_may::admin_or_key && c.is_admin));
    if (open) return success();
    return refusal(key.empty() ? errc::missing_api_key : errc::invalid_api_key);
}

}  // namespace

stage_result<> authenticate(request_state& c) {
    auto found = find_endpoint(c.head.method, c.head.path, c.allowed_methods);
    if (found.has_value()) {
        c.route = found.value().row;
        c.route_index = found.value().index;
        c.path_name = std::move(found.value().name);
        c.record.route = c.route->route;
    }
    CHECK(find_key(c));
    c.record.key = c.key->label;
    c.record.tenant = c.key->tenant;
    if (found.has_error()) {
        refusal why(found.error());
        if (!c.allowed_methods.empty()) why.message = "This route takes " + c.allowed_methods + ".";
        return why;
    }
    if (c.route->who == who_may::anyone) return success();
    CHECK(access::check_route(c.key->rights, c.route_index, canonical_routes()));
    if (c.route->local) return success();
    CHECK(read_wishes(c));
    if (c.process.is_draining()) return refusal(errc::draining);
    return shed(c);
}

}  // namespace penstock::gateway
