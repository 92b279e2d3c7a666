// A load and an engine, as a person writes them.
#include "simulator/command/load_file.hpp"

#include "simulator/command/mapping.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace penstock::simulator {
namespace {

using settings::findings;
using settings::node;

constexpr std::uint64_t tokens_most = 10'000'000;

void read_rate(mapping& m, std::string_view key, rate& into) {
    std::string text;
    m.text(key, text);
    if (text.empty()) return;
    const auto read = parse_rate(text);
    if (read)
        into = *read;
    else
        m.misread(key, "must be requests a second, as 80, or multiples of capacity, as 2.0C");
}

void read_law(const node& from, const std::string& path, length_law& into, findings& found) {
    mapping m(from, path, found);
    m.number("median", into.median, 1, tokens_most);
    m.number("sigma", into.sigma, 0, 5);
    m.count("least", into.least, 1, tokens_most);
    m.count("most", into.most, 1, tokens_most);
    if (into.most < into.least) m.misread("most", "must not be below least");
}

void read_engine(const node& from, const std::string& path, engine_model& into, findings& found) {
    mapping m(from, path, found);
    m.time("iteration", into.iteration);
    m.time("per_sequence", into.per_sequence);
    m.number("prefill", into.prefill, 1, 1e9);
    m.count("chunk", into.chunk, 1, 1'000'000);
    m.count("sequences", into.sequences, 1, 100'000);
    m.count("kv_tokens", into.kv_tokens, 1, 1'000'000'000'000);
}

void read_arrivals(const node& from, const std::string& path, arrivals& into, findings& found) {
    mapping m(from, path, found);
    std::string law = "poisson";
    m.text("law", law);
    if (law != "poisson" && law != "gamma") m.misread("law", "must be poisson or gamma");
    into.law = law == "gamma" ? arrival_law::gamma : arrival_law::poisson;
    m.number("cv", into.cv, 0.01, 20);
    m.number("peak", into.peak, 1, 1000);
    m.time("on", into.on);
    m.time("off", into.off);
    if ((into.on > duration::zero()) != (into.off > duration::zero()))
        m.misread("on", "on and off belong together");
    else if (into.peak * seconds(into.on) > seconds(into.on) + seconds(into.off))
        m.misread("peak", "peak × on must not be above on + off: the mean could not hold");
}

void read_classes(const node& from, const std::string& path, load_spec& load, findings& found) {
    mapping m(from, path, found);
    for (std::size_t k = 0; k < num_classes; ++k)
        m.nested(k == 0 ? "realtime" : "bulk", [&](const node& of, const std::string& at) {
            mapping one(of, at, found);
            one.share("share", load.classes[k].share);
            one.time("patience", load.classes[k].patience);
        });
    if (load.classes[0].share + load.classes[1].share <= 0)
        m.misread("realtime", "some class must have a share");
}

void read_mix(const node& from, const std::string& path, length_mix& into, findings& found) {
    mapping m(from, path, found);
    m.share("share", into.share);
    m.nested("prompt", [&](const auto& of, const auto& at) {
        read_law(of, at, into.prompt, found);
    });
    m.nested("output", [&](const auto& of, const auto& at) {
        read_law(of, at, into.output, found);
    });
}

void read_lists(mapping& m, load_file& into, findings& found) {
    m.list("mixes", [&, is_first = true](const node& of, const std::string& at) mutable {
        if (std::exchange(is_first, false)) into.load.mixes.clear();
        read_mix(of, at, into.load.mixes.emplace_back(), found);
    });
    m.list("tenants", [&, is_first = true](const node& of, const std::string& at) mutable {
        if (std::exchange(is_first, false)) into.load.tenants.clear();
        mapping one(of, at, found);
        tenant_load& tenant = into.load.tenants.emplace_back();
        one.text("name", tenant.name);
        one.share("share", tenant.share);
    });
    m.list("steps", [&](const node& of, const std::string& at) {
        mapping one(of, at, found);
        rate_step& step = into.load.steps.emplace_back();
        one.time("at", step.at);
        read_rate(one, "rate", into.steps.emplace_back());
        if (into.load.steps.size() > 1 && step.at < (&step)[-1].at)
            one.misread("at", "must not be before the step above it");
    });
    m.list("faults", [&](const node& of, const std::string& at) {
        mapping one(of, at, found);
        fault& f = into.load.faults.emplace_back();
        one.count("replica", f.replica, 0, 1'000'000);
        one.time("at", f.at);
        one.time("until", f.until);
        one.number("speed", f.speed, 0, 100);
        if (f.until <= f.at) one.misread("until", "must be after at");
    });
}

void read_root(const node& from, load_file& into, findings& found) {
    mapping m(from, "", found);
    load_spec& load = into.load;
    m.count("seed", load.seed, 0, 1'000'000'000);
    m.time("length", load.length);
    m.time("warm_up", load.warm_up);
    if (load.length <= load.warm_up) m.misread("length", "must be longer than warm_up");
    m.count("requests", load.requests, 0, 100'000'000);
    read_rate(m, "rate", into.mean);
    m.nested("engine", [&](const auto& of, const auto& at) {
        read_engine(of, at, into.engine, found);
    });
    m.nested("arrivals", [&](const auto& of, const auto& at) {
        read_arrivals(of, at, load.arrivals, found);
    });
    m.nested("classes", [&](const auto& of, const auto& at) { read_classes(of, at, load, found); });
    m.nested("estimate", [&](const node& of, const std::string& at) {
        mapping one(of, at, found);
        one.share("noise", load.noise, 10);
        one.count("output", load.est_output, 0, tokens_most);
    });
    m.count("retries", load.retries, 0, 100);
    m.share("obeying", load.obeying, 1);
    read_lists(m, into, found);
}

}  // namespace

std::optional<rate> parse_rate(std::string_view text) {
    rate r;
    if (text.ends_with('C')) {
        r.of_capacity = true;
        text.remove_suffix(1);
    }
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), r.value);
    const bool is_whole = code == std::errc{} && end == text.data() + text.size();
    if (!is_whole || !(r.value >= 0) || r.value > 1e7) return std::nullopt;
    return r;
}

load_file_result read_load(std::string_view yaml) {
    findings found;
    load_file made;
    if (const auto document = settings::parse_document(yaml, found))
        read_root(*document, made, found);
    if (!found.mistakes().empty()) return std::move(found.mistakes());
    return made;
}

}  // namespace penstock::simulator
