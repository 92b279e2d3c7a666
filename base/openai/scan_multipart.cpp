// One pass over a multipart/form-data body. Stricter than RFC 2046 wherever two parsers could take
// one body for two different forms.
#include "json_text.hpp"
#include "penstock/openai/facts.hpp"

#include <simdjson.h>

#include <algorithm>
#include <limits>
#include <optional>

namespace penstock::openai {
namespace {

constexpr std::size_t boundary_bytes_max = 70;  // RFC 2046 §5.1.1
constexpr std::size_t part_head_bytes_max = 4096;
constexpr std::size_t parts_max = 128;
constexpr std::size_t model_bytes_max = 512;

bool equal_fold(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c | 0x20) : c; };
        return lower(x) == lower(y);
    });
}

std::string_view trimmed(std::string_view text) noexcept {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == text.npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// `name=value` or `name="value"` off the front of `;`-separated parameters. False at the end and at
// what is malformed, which leaves `left` not empty.
bool next_parameter(std::string_view& left, std::string_view& name, std::string_view& value) {
    left = trimmed(left);
    if (left.empty() || left.front() != ';') return false;
    std::string_view rest = trimmed(left.substr(1));
    const std::size_t equals = rest.find_first_of("=;\"");
    if (equals == rest.npos || rest[equals] != '=') return false;
    name = trimmed(rest.substr(0, equals));
    rest = trimmed(rest.substr(equals + 1));
    if (!rest.empty() && rest.front() == '"') {
        const std::size_t close = rest.find('"', 1);
        // An escaped quote would need decoding, and decoders differ.
        if (close == rest.npos || rest.substr(0, close).find('\\') != rest.npos) return false;
        value = rest.substr(1, close - 1);
        left = rest.substr(close + 1);
    } else {
        const std::size_t end = std::min(rest.find(';'), rest.size());
        value = trimmed(rest.substr(0, end));
        left = rest.substr(end);
    }
    return true;
}

bool is_boundary(std::string_view text) noexcept {
    constexpr std::string_view also = "'()+_,-./:=? ";
    if (text.empty() || text.size() > boundary_bytes_max || text.back() == ' ') return false;
    return std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
               also.find(c) != also.npos;
    });
}

std::optional<std::string_view> boundary_of(std::string_view content_type) {
    std::string_view left =
        content_type.substr(std::min(content_type.find(';'), content_type.size()));
    if (!equal_fold(
            trimmed(content_type.substr(0, content_type.size() - left.size())),
            "multipart/form-data"
        ))
        return std::nullopt;
    std::optional<std::string_view> boundary;
    std::string_view name, value;
    while (next_parameter(left, name, value)) {
        if (!equal_fold(name, "boundary")) continue;
        if (boundary || !is_boundary(value)) return std::nullopt;
        boundary = value;
    }
    return left.empty() ? boundary : std::nullopt;
}

refusal malformed(std::string_view what) {
    return {
        errc::malformed_body, "The request's multipart body is malformed: " + std::string(what)
    };
}

refusal at_field(errc code, std::string_view field, std::string_view what) {
    return {code, "'" + std::string(field) + "' " + std::string(what), std::string(field)};
}

struct part_head {
    std::string_view name;
    bool file = false;
    bool encoded = false;  // its bytes are not its value
};

// `head` is every line with its CRLF, but for the empty one.
stage_result<part_head> read_head(std::string_view head) {
    part_head part;
    bool disposed = false;
    while (!head.empty()) {
        const std::size_t end = head.find("\r\n");
        const std::string_view line = head.substr(0, end);
        head.remove_prefix(end + 2);
        const std::size_t colon = line.find(':');
        if (colon == line.npos || colon == 0 || line.find_first_of(" \t") < colon ||
            line.find_first_of(std::string_view("\r\n\0", 3)) != line.npos)
            return malformed("a part has a header that is none.");
        const std::string_view name = line.substr(0, colon);
        const std::string_view value = trimmed(line.substr(colon + 1));
        if (equal_fold(name, "content-transfer-encoding"))
            part.encoded = !equal_fold(value, "binary") && !equal_fold(value, "8bit") &&
                           !equal_fold(value, "7bit");
        if (!equal_fold(name, "content-disposition")) continue;
        if (disposed) return malformed("a part has two Content-Dispositions.");
        disposed = true;

        std::string_view left = value.substr(std::min(value.find(';'), value.size()));
        if (!equal_fold(trimmed(value.substr(0, value.size() - left.size())), "form-data"))
            return malformed("a part is not form-data.");
        std::string_view key, said;
        while (next_parameter(left, key, said)) {
            if (equal_fold(key, "name*")) return malformed("a part's name is encoded.");
            if (equal_fold(key, "name")) {
                if (!part.name.empty()) return malformed("a part has two names.");
                part.name = said;
            }
            part.file = part.file || equal_fold(key, "filename") || equal_fold(key, "filename*");
        }
        if (!left.empty()) return malformed("a part's Content-Disposition cannot be read.");
    }
    if (part.name.empty()) return malformed("a part has no name.");
    return part;
}

class form_scan {
 public:
    form_scan(std::string_view body, std::string_view boundary, dialect spoken) : body_(body) {
        delimiter_ = "--" + std::string(boundary);
        facts_.spoken = spoken;
        facts_.body = body_kind::multipart;
        facts_.work = work_kind::one_shot;
        facts_.boundary = boundary;
    }

    stage_result<request_facts> run(bool model_from_path);

 private:
    enum class after : std::uint8_t { part, end, neither };
    after pass_delimiter_line();
    stage_result<> read_part(const part_head& head, byte_range where);
    stage_result<> read_model(std::string_view value, byte_range where);
    stage_result<> read_stream(std::string_view value);

    std::string_view body_;
    std::string delimiter_;
    std::size_t at_ = 0;
    request_facts facts_;
    bool model_seen_ = false, stream_seen_ = false, file_seen_ = false, prompt_seen_ = false;
};

// Stands just past a delimiter.
form_scan::after form_scan::pass_delimiter_line() {
    const std::string_view left = body_.substr(at_);
    if (left.starts_with("--")) return after::end;
    const std::size_t text = left.find_first_not_of(" \t");
    if (text == left.npos || !left.substr(text).starts_with("\r\n")) return after::neither;
    at_ += text + 2;
    return after::part;
}

stage_result<request_facts> form_scan::run(bool model_from_path) {
    if (body_.starts_with("\r\n")) at_ = 2;
    if (!body_.substr(at_).starts_with(delimiter_))
        return malformed("it does not begin with its boundary.");
    facts_.object_begin = static_cast<std::uint32_t>(at_);
    at_ += delimiter_.size();
    for (std::size_t parts = 0;; ++parts) {
        const after what = pass_delimiter_line();
        if (what == after::end) break;
        if (what == after::neither) return malformed("something follows a boundary on its line.");
        if (parts == parts_max) return malformed("it has too many parts.");

        // The blank line may come at once: then there are no headers, hence no name.
        const std::string_view near = body_.substr(at_, part_head_bytes_max);
        const std::size_t blank = near.find("\r\n\r\n");
        if (blank == near.npos) return malformed("a part's headers do not end, or are too long.");
        TRY(const part_head head, read_head(near.substr(0, blank + 2)));
        const std::size_t begin = at_ + blank + 4;
        // The blank line's own end may be the one before the delimiter: an empty part.
        const std::size_t next = body_.find(delimiter_, begin);
        if (next == body_.npos) return malformed("its last boundary is missing.");
        if (body_.substr(next - 2, 2) != "\r\n")
            return malformed("its boundary stands inside a line.");
        const auto end = static_cast<std::uint32_t>(std::max(next - 2, begin));
        CHECK(read_part(head, {static_cast<std::uint32_t>(begin), end}));
        at_ = next + delimiter_.size();
    }
    if (!model_from_path && !model_seen_)
        return at_field(errc::missing_field, "model", "is required.");
    if (!file_seen_ && facts_.spoken == dialect::transcription)
        return at_field(errc::missing_field, "file", "is required.");
    return std::move(facts_);
}

stage_result<> form_scan::read_part(const part_head& head, byte_range where) {
    const std::string_view value = body_.substr(where.begin, where.size());
    bool* const seen = head.name == "model"    ? &model_seen_
                       : head.name == "stream" ? &stream_seen_
                       : head.name == "prompt" ? &prompt_seen_
                       : head.name == "file"   ? &file_seen_
                                               : nullptr;
    if (seen == nullptr) return success();
    if (*seen) return at_field(errc::ambiguous_field, head.name, "is given twice.");
    *seen = true;
    if (seen == &file_seen_) {
        facts_.num_audio += where.size();
        return success();
    }
    if (head.file || head.encoded)
        return at_field(errc::wrong_type, head.name, "must be a plain field.");
    if (!simdjson::validate_utf8(value.data(), value.size()))
        return at_field(errc::invalid_value, head.name, "is not UTF-8.");
    if (seen == &model_seen_) return read_model(value, where);
    if (seen == &stream_seen_) return read_stream(value);
    count_text(value, facts_.text);
    facts_.prefix_hash = hash_of(value.substr(0, 2048));
    return success();
}

stage_result<> form_scan::read_model(std::string_view value, byte_range where) {
    if (value.empty()) return at_field(errc::invalid_value, "model", "must not be empty.");
    if (value.size() > model_bytes_max)
        return at_field(errc::invalid_value, "model", "is longer than any model's name.");
    facts_.model = value;
    facts_.model_value = where;
    return success();
}

// As form parsers of upstreams read a boolean.
stage_result<> form_scan::read_stream(std::string_view value) {
    const auto is_one_of = [&](std::initializer_list<std::string_view> words) {
        return std::any_of(words.begin(), words.end(), [&](auto word) {
            return equal_fold(value, word);
        });
    };
    facts_.stream = is_one_of({"true", "1", "on", "yes"});
    if (!facts_.stream && !is_one_of({"false", "0", "off", "no"}))
        return at_field(errc::wrong_type, "stream", "must be true or false.");
    return success();
}

}  // namespace

stage_result<request_facts> scan_multipart(
    std::string_view body, std::string_view content_type, dialect spoken, bool model_from_path
) {
    if (body.size() >= std::numeric_limits<std::uint32_t>::max())
        return refusal(errc::body_too_large);
    const auto boundary = boundary_of(content_type);
    if (!boundary)
        return malformed("the Content-Type must be multipart/form-data with a boundary.");
    return form_scan(body, *boundary, spoken).run(model_from_path);
}

}  // namespace penstock::openai
