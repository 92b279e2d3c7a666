// Reads the gateway's request lines.
#include "simulator/trace.hpp"

#include <simdjson.h>

#include <algorithm>
#include <unordered_map>

namespace penstock::simulator {
namespace {

namespace json = simdjson::dom;

constexpr std::int64_t micros_max = std::int64_t{1} << 52;  // 142 years
constexpr std::int64_t deadline_ms_max = 30ll * 24 * 3600 * 1000;
constexpr std::size_t name_bytes_max = 1024;

error wrong(std::string_view field, std::string_view what) {
    return error(errc::invalid_value, std::string(field) + ": " + std::string(what));
}

// Fields of one line; the first mistake is kept.
class reader {
 public:
    explicit reader(const json::object& line) : line_(line) {}

    std::int64_t number(std::string_view field, std::int64_t most) {
        return optional_number(field, most, true).value_or(0);
    }
    std::optional<std::int64_t> optional_number(
        std::string_view field, std::int64_t most, bool required = false
    ) {
        json::element value;
        if (!find(field, value)) return std::nullopt;
        if (value.is_null() && !required) return std::nullopt;
        std::int64_t number = 0;
        if (value.get_int64().get(number) || number < 0 || number > most) {
            fail(wrong(field, "must be a whole number from 0 to " + std::to_string(most)));
            return std::nullopt;
        }
        return number;
    }
    std::string text(std::string_view field) {
        json::element value;
        if (!find(field, value)) return {};
        std::string_view text;
        if (value.get_string().get(text) || text.size() > name_bytes_max) {
            fail(wrong(field, "must be a text of at most 1024 bytes"));
            return {};
        }
        return std::string(text);
    }
    // Fields that older gateways did not write.
    bool has(std::string_view field) const {
        json::element value;
        return !line_.at_key(field).get(value);
    }
    bool truth(std::string_view field) {
        json::element value;
        bool is = false;
        if (find(field, value) && value.get_bool().get(is))
            fail(wrong(field, "must be true or false"));
        return is;
    }
    void fail(error mistake) {
        if (!mistake_) mistake_ = std::move(mistake);
    }
    std::optional<error>& mistake() noexcept { return mistake_; }

 private:
    bool find(std::string_view field, json::element& value) {
        if (!line_.at_key(field).get(value)) return true;
        fail(wrong(field, "is missing"));
        return false;
    }

    const json::object& line_;
    std::optional<error> mistake_;
};

std::uint64_t hex(std::string_view digits) {
    std::uint64_t value = 0;
    for (const char c : digits.substr(0, 16)) {
        const std::string_view known = "0123456789abcdef";
        const auto digit = known.find(c);
        if (digit == known.npos) return 0;
        value = value << 4 | digit;
    }
    return value;
}

void read_times(reader& in, trace_line& out) {
    out.arrived = in.number("t_arrive", micros_max);
    out.dispatched = in.optional_number("t_dispatch", micros_max);
    out.first = in.optional_number("t_first", micros_max);
    out.last = in.optional_number("t_last", micros_max);
    out.deadline_ms = in.optional_number("deadline_ms", deadline_ms_max).value_or(0);
}

void read_tokens(reader& in, trace_line& out) {
    const auto tokens = [&](std::string_view field) {
        return static_cast<std::uint32_t>(in.number(field, trace_tokens_max));
    };
    out.est_prompt = tokens("est_prompt");
    out.est_output = tokens("est_output");
    out.prompt = tokens("prompt");
    out.output = tokens("output");
    const auto most = in.optional_number("max_tokens", trace_tokens_max);
    out.max_tokens = static_cast<std::uint32_t>(most.value_or(0));
}

result<trace_line> read_object(const json::object& object) {
    reader in(object);
    trace_line out;
    read_times(in, out);
    read_tokens(in, out);
    const std::string klass = in.text("class");
    if (klass != "realtime" && klass != "bulk") in.fail(wrong("class", "must be realtime or bulk"));
    out.klass = klass == "bulk" ? request_class::bulk : request_class::realtime;
    out.tenant = in.text("tenant");
    out.model = in.text("model");
    out.replica = in.text("replica");
    out.streamed = in.truth("streamed");
    out.served = in.text("verdict") == "served";
    out.fell_back = in.has("fell_back_to") && !in.text("fell_back_to").empty();
    out.affinity = hex(in.text("affinity"));
    if (in.mistake()) return std::move(*in.mistake());
    return out;
}

result<trace_line> parse_with(json::parser& parser, std::string_view line) {
    if (line.size() > trace_line_bytes_max)
        return error(errc::invalid_value, "is longer than 64 KiB");
    json::object object;
    if (parser.parse(line.data(), line.size()).get_object().get(object))
        return error(errc::invalid_json, "is not a JSON object");
    return read_object(object);
}

}  // namespace

result<trace_line> parse_trace_line(std::string_view line) {
    json::parser parser;
    return parse_with(parser, line);
}

result<std::vector<trace_line>> read_trace(std::string_view text, std::string_view model) {
    std::vector<trace_line> lines;
    json::parser parser;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.find_first_not_of(" \t\r") == line.npos) continue;
        auto read = parse_with(parser, line);
        if (read.has_error())
            return error(read.error().code, std::to_string(number) + ": " + read.error().detail);
        if (!model.empty() && read.value().model != model) continue;
        if (lines.size() == trace_lines_max)
            return error(
                errc::invalid_value, std::to_string(number) + ": more than 50 million lines"
            );
        lines.push_back(std::move(read).value());
    }
    return lines;
}

result<trace> trace_of(const std::vector<trace_line>& lines) {
    trace made;
    std::unordered_map<std::string_view, std::uint32_t> tenants;
    std::int64_t begin = micros_max;
    for (const trace_line& each : lines)
        if (each.est_prompt > 0) begin = std::min(begin, each.arrived);
    for (const trace_line& each : lines) {
        if (each.est_prompt == 0) {
            ++made.left_out;
            continue;
        }
        const auto next = static_cast<std::uint32_t>(made.tenants.size());
        const auto [tenant, is_new] = tenants.try_emplace(each.tenant, next);
        if (is_new) made.tenants.push_back(each.tenant);
        if (made.tenants.size() > trace_tenants_max)
            return error(errc::invalid_value, "tenant: more than 10000 different ones");
        request& r = made.requests.emplace_back();
        r.arrived = time_point(std::chrono::microseconds(each.arrived - begin));
        r.klass = each.klass;
        r.tenant = tenant->second;
        r.prompt = each.prompt > 0 ? each.prompt : each.est_prompt;
        r.output = std::max(1u, each.output > 0 ? each.output : each.est_output);
        r.est_prompt = each.est_prompt;
        r.est_output = each.est_output;
        r.max_tokens = each.max_tokens;
        r.affinity = each.affinity;
        r.deadline = std::chrono::milliseconds(each.deadline_ms);
        r.streamed = each.streamed;
    }
    std::stable_sort(made.requests.begin(), made.requests.end(), [](auto& a, auto& b) {
        return a.arrived < b.arrived;
    });
    return made;
}

}  // namespace penstock::simulator
