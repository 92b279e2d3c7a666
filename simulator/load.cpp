// Draws requests from a load.
#include "simulator/load.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace penstock::simulator {
namespace {

// An index, by weights.
template <class Rows>
std::size_t pick(const Rows& rows, double at) {
    double sum = 0;
    for (const auto& row : rows)
        sum += row.share;
    at *= sum;
    std::size_t i = 0;
    for (const auto& row : rows) {
        at -= row.share;
        if (at < 0) return i;
        ++i;
    }
    return i - 1;
}

std::uint32_t rounded(double tokens, double least, double most) {
    return static_cast<std::uint32_t>(std::lround(std::clamp(tokens, least, most)));
}

}  // namespace

load_source::load_source(const load_spec& spec)
    : spec_(spec),
      times_(spec.seed * 4),
      kinds_(spec.seed * 4 + 1),
      lengths_(spec.seed * 4 + 2),
      errors_(spec.seed * 4 + 3),
      obedience_(~spec.seed) {}

double load_source::rate_at(double second) const {
    double rate = spec_.rate;
    for (const rate_step& step : spec_.steps)
        if (seconds(step.at) <= second) rate = step.rate;
    const double on = seconds(spec_.arrivals.on), off = seconds(spec_.arrivals.off);
    if (on <= 0 || off <= 0) return rate;
    const bool is_on = std::fmod(second, on + off) < on;
    const double peak = spec_.arrivals.peak;
    return rate * (is_on ? peak : (on + off - peak * on) / off);
}

double load_source::changes_after(double second) const {
    double next = std::numeric_limits<double>::infinity();
    for (const rate_step& step : spec_.steps)
        if (seconds(step.at) > second) next = std::min(next, seconds(step.at));
    const double on = seconds(spec_.arrivals.on), off = seconds(spec_.arrivals.off);
    if (on <= 0 || off <= 0) return next;
    const double cycle = on + off, within = std::fmod(second, cycle);
    return std::min(next, second - within + (within < on ? on : cycle));
}

double load_source::draw_gap() {
    return spec_.arrivals.law == arrival_law::gamma ? times_.gamma(spec_.arrivals.cv)
                                                    : times_.exponential();
}

std::uint32_t load_source::draw_length(const length_law& law) {
    const double tokens = law.median * std::exp(law.sigma * lengths_.normal());
    return rounded(tokens, law.least, law.most);
}

// Gaps of mean one are stretched by a rate that is constant between its changes.
std::optional<request> load_source::next() {
    if (spec_.requests > 0 && made_ == spec_.requests) return std::nullopt;
    double gap = draw_gap();
    for (;;) {
        const double rate = rate_at(now_), change = changes_after(now_);
        if (rate * (change - now_) > gap) {
            now_ += gap / rate;
            break;
        }
        if (change > seconds(spec_.length)) return std::nullopt;
        gap -= rate * (change - now_);
        // A step of a rounding error's size must not hold time up.
        now_ = std::max(change, std::nextafter(now_, change + 1));
    }
    if (now_ >= seconds(spec_.length)) return std::nullopt;
    ++made_;
    request r;
    r.arrived = time_point(duration(std::llround(now_ * 1e9)));
    r.klass = static_cast<request_class>(pick(spec_.classes, kinds_.uniform()));
    r.tenant = static_cast<std::uint32_t>(pick(spec_.tenants, kinds_.uniform()));
    const length_mix& mix = spec_.mixes[pick(spec_.mixes, kinds_.uniform())];
    r.prompt = draw_length(mix.prompt);
    r.output = std::max(1u, draw_length(mix.output));
    // Mean one, deviation `noise`: the estimate is as often too high as too low, but not biased.
    const double sigma = std::sqrt(std::log1p(spec_.noise * spec_.noise));
    const double factor = std::exp(sigma * errors_.normal() - sigma * sigma / 2);
    const double expected = spec_.est_output > 0 ? spec_.est_output : r.output;
    r.est_prompt = rounded(r.prompt * factor, 1, 1e9);
    r.est_error = rounded(r.est_prompt * spec_.noise, 0, 1e9);
    r.est_output = rounded(expected * factor, 1, 1e9);
    r.obeys = obedience_.uniform() < spec_.obeying;
    return r;
}

}  // namespace penstock::simulator
