// An engine's parameters from what the gateway logged of it.
#include "simulator/fit.hpp"

#include "simulator/least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace penstock::simulator {
namespace {

constexpr std::size_t answers_min = 50;

// A number that goes up and down at times, and its integral.
class counted {
 public:
    void add(double when, double by) { steps_.push_back({when, by, 0}); }
    void sort() {
        std::sort(steps_.begin(), steps_.end(), [](auto& a, auto& b) { return a.when < b.when; });
        double value = 0, integral = 0, before = 0;
        for (step& each : steps_) {
            integral += value * (each.when - before);
            before = each.when;
            value += each.value;
            each.value = value;
            each.integral = integral;
        }
    }
    // Just before `when`.
    double value(double when) const {
        const step* s = last_before(when);
        return s ? s->value : 0;
    }
    double integral(double when) const {
        const step* s = last_before(when);
        return s ? s->integral + s->value * (when - s->when) : 0;
    }

 private:
    struct step {
        double when, value, integral;
    };
    const step* last_before(double when) const {
        const auto at = std::lower_bound(
            steps_.begin(), steps_.end(), when, [](const step& s, double t) { return s.when < t; }
        );
        return at == steps_.begin() ? nullptr : &*(at - 1);
    }
    std::vector<step> steps_;
};

struct replica_history {
    counted decoding, unread, read;  // answers; prompt tokens
};

bool is_told(const trace_line& l) {
    return l.served && !l.fell_back && l.streamed && l.dispatched && l.first && l.last &&
           l.prompt > 0 && *l.dispatched <= *l.first && *l.first <= *l.last;
}

double at(const std::optional<std::int64_t>& micros) {
    return static_cast<double>(*micros) * 1e-6;
}

std::map<std::string_view, replica_history> histories(std::span<const trace_line> lines) {
    std::map<std::string_view, replica_history> all;
    for (const trace_line& l : lines) {
        if (!is_told(l)) continue;
        replica_history& h = all[l.replica];
        h.decoding.add(at(l.first), 1);
        h.decoding.add(at(l.last), -1);
        h.unread.add(at(l.dispatched), l.prompt);
        h.unread.add(at(l.first), -double(l.prompt));
        h.read.add(at(l.first), l.prompt);
    }
    for (auto& [name, each] : all) {
        each.decoding.sort();
        each.unread.sort();
        each.read.sort();
    }
    return all;
}

// What of an answer's decoding explains its time; its own prompt was read before.
std::array<double, 3> decoding_row(const trace_line& l, const replica_history& h) {
    const double from = at(l.first), until = at(l.last), iterations = l.output - 1.0;
    const double beside = h.decoding.integral(until) - h.decoding.integral(from);
    // A microsecond on, so that the prompt's own end is not in it.
    const double read = h.read.value(until) - h.read.value(from + 1e-6);
    return {iterations, iterations * beside / (until - from), read};
}

bool decodes(const trace_line& l) {
    return is_told(l) && l.output > 4 && *l.last > *l.first;
}

}  // namespace

result<fitted> fit_engine(std::span<const trace_line> lines, const engine_model& given) {
    const auto history = histories(lines);
    least_squares<3> decoding;
    least_squares<2> reading;
    fitted out{.model = given};
    double sum_beside = 0;
    for (const trace_line& l : lines) {
        if (!decodes(l)) continue;
        const replica_history& h = history.at(l.replica);
        decoding.add(decoding_row(l, h), at(l.last) - at(l.first));
        const double unread = h.unread.value(at(l.dispatched)) + l.prompt;
        reading.add({1, unread}, at(l.first) - at(l.dispatched));
        sum_beside += h.decoding.value(at(l.dispatched));
        ++out.answers;
    }
    if (out.answers < answers_min)
        return error(errc::invalid_value, "fewer than 50 streamed answers that were served");
    const auto x = decoding.solve();
    const auto y = reading.solve();
    if (!x || !y || (*x)[2] <= 0)
        return error(errc::invalid_value, "the load varies too little to tell its parameters");
    const auto [iteration, per_sequence, per_token] = *x;
    out.model.iteration = duration(std::max<long long>(1'000, std::llround(iteration * 1e9)));
    out.model.per_sequence = duration(std::max<long long>(0, std::llround(per_sequence * 1e9)));
    out.model.prefill = 1 / per_token;
    const double mean_iteration = iteration + per_sequence * sum_beside / double(out.answers);
    const double per_chunk = (*y)[1] - per_token;
    const double chunk = per_chunk > 0 ? mean_iteration / per_chunk : 65'536;
    out.model.chunk = static_cast<std::uint32_t>(std::clamp(chunk, 64.0, 65'536.0));
    double off = 0, whole = 0;
    for (const trace_line& l : lines) {
        if (!decodes(l)) continue;
        const auto row = decoding_row(l, history.at(l.replica));
        const double took = at(l.last) - at(l.first);
        off += std::abs(row[0] * iteration + row[1] * per_sequence + row[2] * per_token - took);
        whole += took;
    }
    out.error = off / whole;
    return out;
}

}  // namespace penstock::simulator
