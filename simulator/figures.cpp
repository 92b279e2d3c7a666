// What a run was worth.
#include "simulator/figures.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace penstock::simulator {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

double since(time_point from, time_point until) {
    return until == never ? infinite : seconds(until - from);
}

double tpot_of(const record& r) {
    return r.output > 1 ? seconds(r.last - r.first) / (r.output - 1) : 0;
}

percentiles percentiles_of(std::vector<double>& values) {
    if (values.empty()) return {};
    std::sort(values.begin(), values.end());
    const auto at = [&](double share) {
        const auto rank = static_cast<std::size_t>(share * double(values.size()));
        return values[std::min(rank, values.size() - 1)];
    };
    return {at(0.50), at(0.90), at(0.99)};
}

bool is_counted(const run_result& run, const record& r) {
    return r.arrived >= run.from && r.arrived < run.until;
}

class_figures class_of(const run_result& run, const domain_spec& spec, request_class klass) {
    class_figures f;
    std::vector<double> ttft, tpot, wait;
    for (const record& r : run.records) {
        if (!is_counted(run, r) || r.klass != klass) continue;
        ++f.offered;
        f.good += is_good(r, spec);
        if (r.end == fate::finished) tpot.push_back(tpot_of(r));
        if (!r.granted) continue;
        ++f.admitted;
        ttft.push_back(since(r.arrived, r.first));
        wait.push_back(since(r.arrived, r.dispatched));
    }
    f.ttft = percentiles_of(ttft);
    f.tpot = percentiles_of(tpot);
    f.wait = percentiles_of(wait);
    return f;
}

std::array<double, 10> admitted_by_length(const run_result& run) {
    std::vector<std::pair<std::uint32_t, bool>> all;
    for (const record& r : run.records)
        if (is_counted(run, r)) all.emplace_back(r.prompt, r.granted);
    std::sort(all.begin(), all.end());
    std::array<double, 10> shares{};
    for (std::size_t d = 0; d < 10; ++d) {
        const std::size_t from = all.size() * d / 10, until = all.size() * (d + 1) / 10;
        std::uint32_t granted = 0;
        for (std::size_t i = from; i < until; ++i)
            granted += all[i].second;
        shares[d] = until > from ? double(granted) / double(until - from) : 0;
    }
    return shares;
}

// Between a second in which three in four were refused and one in which fewer than one in four was.
double refusal_flips(const run_result& run) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> bins;  // arrivals, refused of them
    for (const record& r : run.records) {
        if (!is_counted(run, r)) continue;
        const auto bin = static_cast<std::size_t>(seconds(r.arrived - run.from));
        if (bin >= bins.size()) bins.resize(bin + 1);
        ++bins[bin].first;
        bins[bin].second += r.end == fate::refused;
    }
    bool on = false;
    double flips = 0;
    for (const auto& [arrivals, refused] : bins) {
        const bool turns =
            on ? refused * 4 < arrivals : arrivals > 0 && refused * 4 >= arrivals * 3;
        if (!turns) continue;
        on = !on;
        ++flips;
    }
    return bins.empty() ? 0 : flips * 60 / double(bins.size());
}

fairness tenants_of(const run_result& run) {
    std::vector<double> offered, served;
    for (const record& r : run.records) {
        if (!is_counted(run, r)) continue;
        if (r.tenant >= offered.size()) offered.resize(r.tenant + 1);
        served.resize(offered.size());
        const double tokens = weighted_tokens(r.prompt, r.output);
        offered[r.tenant] += tokens;
        if (r.end == fate::finished) served[r.tenant] += tokens;
    }
    return fairness_of(offered, served);
}

std::vector<double> ranks_of(std::span<const double> values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
    std::vector<double> ranks(values.size());
    for (std::size_t from = 0; from < order.size();) {
        std::size_t until = from;
        while (until < order.size() && values[order[until]] == values[order[from]])
            ++until;
        for (std::size_t i = from; i < until; ++i)
            ranks[order[i]] = static_cast<double>(from + until - 1) / 2;
        from = until;
    }
    return ranks;
}

}  // namespace

bool is_good(const record& r, const domain_spec& spec) {
    const class_settings& target = spec.classes[static_cast<std::size_t>(r.klass)];
    if (r.end != fate::finished || r.first - r.arrived > target.ttft) return false;
    return target.tpot == duration::zero() || tpot_of(r) <= seconds(target.tpot);
}

fairness fairness_of(std::span<const double> offered, std::span<const double> served) {
    std::vector<std::size_t> order(offered.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return offered[a] < offered[b];
    });
    // Whoever asks for less than an equal part of what is left gets it all.
    double left = std::accumulate(served.begin(), served.end(), 0.0);
    std::size_t first = 0;
    while (first < order.size() && offered[order[first]] <= left / double(order.size() - first))
        left -= offered[order[first++]];
    double sum = 0, squares = 0;
    for (std::size_t i = first; i < order.size(); ++i) {
        sum += served[order[i]];
        squares += served[order[i]] * served[order[i]];
    }
    const auto backlogged = static_cast<std::uint32_t>(order.size() - first);
    if (backlogged < 2 || squares == 0) return {1, backlogged};
    return {sum * sum / (backlogged * squares), backlogged};
}

figures figures_of(const run_result& run, const domain_spec& spec) {
    figures f;
    f.window = seconds(run.until - run.from);
    for (const record& r : run.records) {
        if (!is_counted(run, r)) continue;
        ++f.offered;
        if (is_good(r, spec)) {
            ++f.good;
            f.goodput_tokens += weighted_tokens(r.prompt, r.output) / f.window;
        }
        if (r.end == fate::refused) ++f.refused[static_cast<std::size_t>(r.reason)];
        f.left += r.end == fate::left;
        f.failed += r.end == fate::failed;
        f.unfinished += r.end == fate::running;
    }
    f.goodput = f.good / f.window;
    for (std::size_t i = 0; i < num_classes; ++i)
        f.classes[i] = class_of(run, spec, static_cast<request_class>(i));
    const fairness fair = tenants_of(run);
    f.jain = fair.jain;
    f.backlogged = fair.backlogged;
    f.shed_flips = run.shed_flips * 60 / f.window;
    f.refusal_flips = refusal_flips(run);
    f.admitted_by_length = admitted_by_length(run);
    f.busy = run.busy;
    return f;
}

double recovery_of(
    std::span<const run_result> runs,
    const domain_spec& spec,
    time_point before_from,
    time_point before_until,
    time_point step_down
) {
    const auto good_share = [&](time_point from, time_point until) {
        double offered = 0, good = 0;
        for (const run_result& run : runs) {
            for (const record& r : run.records) {
                if (r.arrived < from || r.arrived >= until) continue;
                ++offered;
                good += is_good(r, spec);
            }
        }
        return offered > 0 ? good / offered : 0;
    };
    constexpr duration look = std::chrono::seconds(5), step = std::chrono::milliseconds(250);
    const double wanted = 0.95 * good_share(before_from, before_until);
    if (runs.empty()) return infinite;
    for (time_point t = step_down; t + look <= runs.front().until; t += step)
        if (good_share(t, t + look) >= wanted) return seconds(t - step_down);
    return infinite;
}

double rank_correlation(std::span<const double> a, std::span<const double> b) {
    const auto x = ranks_of(a), y = ranks_of(b);
    const double mean = (static_cast<double>(x.size()) - 1) / 2;
    double xy = 0, xx = 0, yy = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        xy += (x[i] - mean) * (y[i] - mean);
        xx += (x[i] - mean) * (x[i] - mean);
        yy += (y[i] - mean) * (y[i] - mean);
    }
    return xy / std::sqrt(xx * yy);
}

}  // namespace penstock::simulator
