// `penstock simulate`.
#include "simulator/command/command.hpp"

#include "gateway/settings/load.hpp"
#include "simulator/command/domain.hpp"
#include "simulator/command/load_file.hpp"
#include "simulator/fit.hpp"
#include "simulator/report.hpp"
#include "simulator/trace.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <fstream>
#include <ostream>
#include <sstream>

namespace penstock::simulator {
namespace {

constexpr std::size_t g2_replicas_max = 64;  // beyond it G(2) is measured when asked for

error wrong(std::string what) {
    return error(errc::invalid_value, std::move(what));
}

result<std::string> read_file(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return wrong(file + ": cannot be read");
    std::ostringstream text;
    text << in.rdbuf();
    if (in.bad()) return wrong(file + ": cannot be read");
    return std::move(text).str();
}

result<void> write_file(const std::string& file, const std::string& bytes, std::ostream& out) {
    if (file == "-") {
        out << bytes;
        return success();
    }
    std::ofstream to(file, std::ios::binary);
    to << bytes;
    to.flush();
    if (!to) return wrong(file + ": cannot be written");
    return success();
}

// What is the same for all columns.
struct workload {
    load_file asked;
    simulator::trace replayed;
    std::string model;  // of the trace, by name
};

result<domain_spec> read_config(
    const std::string& file, const arguments& given, const settings::load_options& options
) {
    auto loaded = settings::load_file(file, options);
    if (auto* mistakes = std::get_if<std::vector<settings::mistake>>(&loaded)) {
        std::string text = settings::to_text(file, std::move(*mistakes));
        text.pop_back();
        return wrong(std::move(text));
    }
    const settings::root& root = std::get<settings::loaded>(loaded).settings;
    std::string model = given.model;
    if (model.empty()) {
        if (root.models.size() != 1)
            return wrong(file + ": has several models: say which with --model");
        model = root.models.begin()->first;
    }
    if (!root.models.contains(model)) return wrong(file + ": there is no model " + model);
    domain_spec spec = domain_of(model, root);
    std::size_t replicas = 0;
    for (const pool_spec& pool : spec.pools)
        replicas += pool.replicas.size();
    if (replicas == 0) return wrong(file + ": " + model + " has no replica");
    return spec;
}

result<load_file> read_asked(const arguments& given) {
    load_file asked;
    if (given.load == "bursts") {
        asked.load.arrivals.on = std::chrono::seconds(5);
        asked.load.arrivals.off = std::chrono::seconds(10);
    } else if (given.load != "poisson") {
        TRY(const std::string text, read_file(given.load));
        auto read = read_load(text);
        if (auto* mistakes = std::get_if<std::vector<settings::mistake>>(&read)) {
            std::string said = settings::to_text(given.load, std::move(*mistakes));
            said.pop_back();
            return wrong(std::move(said));
        }
        asked = std::get<load_file>(std::move(read));
    }
    if (given.seed >= 0) asked.load.seed = static_cast<std::uint64_t>(given.seed);
    if (given.rate.empty()) return asked;
    const auto rate = parse_rate(given.rate);
    if (!rate) return wrong("--rate: must be requests a second, as 80, or as 2.0C");
    asked.mean = *rate;
    return asked;
}

result<std::vector<trace_line>> read_lines(const std::string& file, const arguments& given) {
    TRY(const std::string text, read_file(file));
    auto lines = read_trace(text, given.model);
    if (lines.has_error()) return wrong(file + ":" + std::move(lines).error().detail);
    if (lines.value().empty()) return wrong(file + ": has no request line of this model");
    return lines;
}

result<workload> read_workload(const arguments& given, std::ostream& out) {
    workload w;
    TRY(w.asked, read_asked(given));
    if (!given.fit.empty()) {
        TRY(const auto lines, read_lines(given.fit, given));
        auto fit = fit_engine(lines, w.asked.engine);
        if (fit.has_error()) return wrong(given.fit + ": " + std::move(fit).error().detail);
        const fitted& f = fit.value();
        w.asked.engine = f.model;
        out << "# engine fitted to " << f.answers << " answers, off by " << 100 * f.error
            << " %: {iteration: " << f.model.iteration.count() / 1000
            << "us, per_sequence: " << f.model.per_sequence.count() / 1000
            << "us, prefill: " << f.model.prefill << ", chunk: " << f.model.chunk << "}\n";
    }
    if (given.trace.empty()) return w;
    TRY(const auto lines, read_lines(given.trace, given));
    auto replayed = trace_of(lines);
    if (replayed.has_error()) return wrong(given.trace + ": " + std::move(replayed).error().detail);
    w.replayed = std::move(replayed).value();
    if (w.replayed.requests.empty()) return wrong(given.trace + ": no request came to admission");
    w.asked.load.warm_up = {};
    w.asked.load.length =
        w.replayed.requests.back().arrived.time_since_epoch() + std::chrono::milliseconds(1);
    return w;
}

struct subject {
    std::string name;
    domain_spec spec;
    const policy_row* policy;
};

result<std::vector<subject>> subjects_of(
    const arguments& given, const settings::load_options& options
) {
    std::vector<const policy_row*> rows;
    for (const std::string& name : given.policies) {
        const policy_row* row = find_policy(name);
        if (!row && name != "all") {
            std::string known;
            for (const policy_row& each : policies())
                known += " " + std::string(each.name);
            return wrong("--policy: there is no " + name + "; there are:" + known + " all");
        }
        if (row) rows.push_back(row);
        for (const policy_row& each : policies())
            if (!row) rows.push_back(&each);
    }
    if (rows.empty()) rows.push_back(&policies().front());
    std::vector<subject> all;
    for (const std::string& file : {given.config, given.compare}) {
        if (file.empty()) continue;
        TRY(const domain_spec spec, read_config(file, given, options));
        for (const policy_row* row : rows) {
            const std::string policy(row->name);
            all.push_back({given.compare.empty() ? policy : file + ", " + policy, spec, row});
        }
    }
    return all;
}

double requests_per_second(const rate& r, const capacity& full) {
    return r.of_capacity ? r.value * full.requests : r.value;
}

struct outcome_of_run {
    simulator::column column;
    series over_time;
};

outcome_of_run run_one(
    const subject& who, const workload& w, const capacity& reference, bool force_g2
) {
    setup s;
    s.spec = who.spec;
    s.engines = {w.asked.engine};
    s.load = w.asked.load;
    s.trace = w.replayed.requests;
    if (who.policy->scrape_every > duration::zero()) s.every.scrape = who.policy->scrape_every;
    s.load.rate = requests_per_second(w.asked.mean, reference);
    for (std::size_t i = 0; i < s.load.steps.size(); ++i)
        s.load.steps[i].rate = requests_per_second(w.asked.steps[i], reference);
    outcome_of_run out;
    out.column.name = who.name;
    out.column.full = capacity_of(s);
    const run_result r = run(s, who.policy->make);
    out.column.figures = figures_of(r, s.spec);
    out.over_time = goodput_over_time(who.name, r, s.spec);
    std::size_t replicas = 0;
    for (const pool_spec& pool : s.spec.pools)
        replicas += pool.replicas.size();
    const bool small = replicas <= g2_replicas_max;
    if (s.trace.empty() && s.load.steps.empty() && (small || force_g2))
        out.column.overload = overload({s, who.policy, out.column.full, 1}, sweep_loads);
    return out;
}

result<void> simulate_all(
    const arguments& given, const settings::load_options& options, std::ostream& out
) {
    if (!given.trace.empty() && !given.rate.empty())
        return wrong("--rate: a trace comes as it came");
    TRY(const auto subjects, subjects_of(given, options));
    TRY(const workload w, read_workload(given, out));
    // All columns get the same load: that of the first one's capacity.
    setup first;
    first.spec = subjects.front().spec;
    first.engines = {w.asked.engine};
    first.load = w.asked.load;
    const capacity reference = capacity_of(first);
    std::vector<column> columns;
    panel over_time{"goodput, requests a second", "seconds", {}};
    boost::json::array as_json;
    for (const subject& each : subjects) {
        outcome_of_run done = run_one(each, w, reference, given.g2);
        as_json.push_back(to_json(done.column));
        columns.push_back(std::move(done.column));
        over_time.lines.push_back(std::move(done.over_time));
    }
    if (w.replayed.left_out > 0)
        out << "# " << w.replayed.left_out << " lines left out: they never came to admission\n";
    if (given.json != "-") out << to_table(columns);
    if (!given.json.empty()) {
        CHECK(write_file(given.json, boost::json::serialize(as_json) + "\n", out));
    }
    if (given.plot.empty()) return success();
    return write_file(given.plot, to_png(draw({over_time})), out);
}

}  // namespace

CLI::App* add_command(CLI::App& app, arguments& into) {
    auto* c = app.add_subcommand("simulate", "try settings under a load, in virtual time");
    c->add_option("CONFIG", into.config, "the settings file")->required();
    c->add_option("--load", into.load, "poisson, bursts or a file (docs/simulator.md)");
    c->add_option("--rate", into.rate, "requests a second, or of the capacity: 2.0C");
    c->add_option("--trace", into.trace, "request lines to replay instead of a load");
    c->add_option("--fit", into.fit, "request lines to fit the engine's parameters to");
    c->add_option("--policy", into.policies, "names of policies, or all")->delimiter(',');
    c->add_option("--model", into.model, "which, where the settings have several");
    c->add_option("--seed", into.seed, "of the load")->check(CLI::Range(0, 1'000'000'000));
    c->add_option("--compare", into.compare, "a second settings file, side by side");
    c->add_flag("--g2", into.g2, "measure G(2) for more than 64 replicas too");
    c->add_option("--json", into.json, "the figures as JSON; -: instead of the table");
    c->add_option("--plot", into.plot, "goodput over time as a PNG");
    return c;
}

int simulate(
    const arguments& given,
    const settings::load_options& options,
    std::ostream& out,
    std::ostream& err
) {
    const auto done = simulate_all(given, options, out);
    if (!done.has_error()) return 0;
    err << done.error().detail << '\n';
    return 1;
}

}  // namespace penstock::simulator
