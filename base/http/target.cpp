// Path and query of a request target (RFC 9112 §3.2), and percent-decoding.
#include "target.hpp"

#include "scan.hpp"

namespace penstock::http {
namespace {

refusal bad_target(const char* why) {
    return {errc::malformed_head, why};
}

// Past "http://" or "https://"; zero when the target does not start so.
std::size_t scheme_length(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"})
        if (same_name(target.substr(0, scheme.size()), scheme)) return scheme.size();
    return 0;
}

}  // namespace

result<void, refusal> split_target(request_head& head) {
    for (const char c : head.target) {
        if (c == '#') return bad_target("The request target holds a fragment ('#').");
        if (static_cast<unsigned char>(c) >= 0x80)
            return bad_target("The request target holds bytes outside ASCII: percent-encode them.");
    }
    auto rest = head.target;
    const bool origin_form = !rest.empty() && rest.front() == '/';
    if (!origin_form) {
        const auto scheme = scheme_length(rest);
        if (scheme == 0)
            return bad_target("The request target is neither a path nor an http(s) URL.");
        rest.remove_prefix(scheme);
        const auto authority = rest.substr(0, rest.find_first_of("/?"));
        if (authority.empty() || authority.find('@') != authority.npos)
            return bad_target("The request target names no host, or a user in front of it.");
        rest.remove_prefix(authority.size());
    }
    const auto question = rest.find('?');
    head.path = rest.substr(0, question);
    head.query = question == rest.npos ? std::string_view{} : rest.substr(question + 1);
    if (head.path.empty()) head.path = "/";
    return success();
}

std::optional<std::string> percent_decode(std::string_view segment) {
    std::string out;
    out.reserve(segment.size());
    for (std::size_t i = 0; i < segment.size(); ++i) {
        char c = segment[i];
        if (c == '%') {
            if (segment.size() - i < 3) return std::nullopt;
            const int high = hex_digit(segment[i + 1]), low = hex_digit(segment[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        if (c == '\0' || c == '/') return std::nullopt;
        out.push_back(c);
    }
    return out;
}

}  // namespace penstock::http
