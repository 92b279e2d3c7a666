// Figures for people and for programs.
#include "simulator/report.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

namespace penstock::simulator {
namespace {

namespace json = boost::json;

std::string text(const char* form, double value) {
    if (!std::isfinite(value)) return "never";
    char out[64];
    std::snprintf(out, sizeof out, form, value);
    return out;
}

struct row {
    std::string name;
    std::function<std::string(const column&)> cell;
};

std::string class_name(std::size_t klass) {
    return klass == 0 ? "realtime" : "bulk";
}

void add_class(std::vector<row>& rows, std::size_t k) {
    const auto add = [&](const char* name, auto&& cell) {
        rows.push_back({class_name(k) + " " + name, [k, cell](const column& c) {
                            return cell(c.figures.classes[k]);
                        }});
    };
    const auto share = [](double part, double all) {
        return all > 0 ? text("%.1f %%", 100 * part / all) : std::string("-");
    };
    const auto three = [](const percentiles& p, double scale, const char* form) {
        return text(form, p.p50 * scale) + " / " + text(form, p.p90 * scale) + " / " +
               text(form, p.p99 * scale);
    };
    add("offered", [](const class_figures& f) { return text("%.0f", f.offered); });
    add("admitted", [=](const class_figures& f) { return share(f.admitted, f.offered); });
    add("within targets", [=](const class_figures& f) { return share(f.good, f.offered); });
    add("TTFT p50/p90/p99, s", [=](const class_figures& f) { return three(f.ttft, 1, "%.2f"); });
    add("TPOT p50/p90/p99, ms", [=](const class_figures& f) { return three(f.tpot, 1e3, "%.0f"); });
    add("wait p50/p90/p99, s", [=](const class_figures& f) { return three(f.wait, 1, "%.2f"); });
}

void add_refusals(std::vector<row>& rows, const std::vector<column>& columns) {
    for (std::size_t i = 0; i < num_errcs; ++i) {
        const bool any = std::any_of(columns.begin(), columns.end(), [&](const column& c) {
            return c.figures.refused[i] > 0;
        });
        if (!any) continue;
        rows.push_back(
            {"refused: " + std::string(describe(static_cast<errc>(i)).label),
             [i](const column& c) { return std::to_string(c.figures.refused[i]); }}
        );
    }
}

std::vector<row> rows_of(const std::vector<column>& columns) {
    std::vector<row> rows{
        {"offered, requests/s",
         [](const column& c) { return text("%.2f", c.figures.offered / c.figures.window); }},
        {"goodput, requests/s",
         [](const column& c) {
             std::string out = text("%.2f", c.figures.goodput);
             if (c.full.requests > 0) out += text(" (%.2f C)", c.figures.goodput / c.full.requests);
             return out;
         }},
        {"goodput, weighted tokens/s",
         [](const column& c) {
             std::string out = text("%.0f", c.figures.goodput_tokens);
             if (c.full.tokens > 0)
                 out += text(" (%.2f C)", c.figures.goodput_tokens / c.full.tokens);
             return out;
         }},
        {"G(2), by requests",
         [](const column& c) { return c.overload ? text("%.3f", c.overload->requests) : "-"; }},
        {"G(2), by tokens",
         [](const column& c) { return c.overload ? text("%.3f", c.overload->tokens) : "-"; }},
    };
    for (std::size_t k = 0; k < num_classes; ++k)
        add_class(rows, k);
    add_refusals(rows, columns);
    const auto add = [&](const char* name, auto&& cell) {
        rows.push_back({name, [cell](const column& c) { return cell(c.figures); }});
    };
    add("gave up waiting", [](const figures& f) { return std::to_string(f.left); });
    add("lost with a replica", [](const figures& f) { return std::to_string(f.failed); });
    add("Jain, backlogged tenants", [](const figures& f) {
        return text("%.3f", f.jain) + " of " + std::to_string(f.backlogged);
    });
    add("flips of shedding, a minute",
        [](const figures& f) { return text("%.1f", std::max(f.shed_flips, f.refusal_flips)); });
    add("engines busy", [](const figures& f) { return text("%.1f %%", 100 * f.busy); });
    add("admitted by prompt length", [](const figures& f) {
        std::string out;
        for (const double each : f.admitted_by_length)
            out += (out.empty() ? "" : " ") + text("%.0f", 100 * each);
        return out + " %";
    });
    return rows;
}

json::value number(double value) {
    return std::isfinite(value) ? json::value(value) : json::value(nullptr);
}

json::object to_json(const percentiles& p) {
    return {{"p50", number(p.p50)}, {"p90", number(p.p90)}, {"p99", number(p.p99)}};
}

}  // namespace

std::string to_table(const std::vector<column>& columns) {
    std::vector<std::vector<std::string>> cells{{""}};
    for (const column& each : columns)
        cells[0].push_back(each.name);
    for (const row& each : rows_of(columns)) {
        auto& line = cells.emplace_back(1, each.name);
        for (const column& c : columns)
            line.push_back(each.cell(c));
    }
    std::string out;
    for (const auto& line : cells) {
        for (std::size_t i = 0; i < line.size(); ++i) {
            std::size_t width = 0;
            for (const auto& other : cells)
                width = std::max(width, other[i].size());
            const std::string gap(width - line[i].size(), ' ');
            out += i == 0 ? line[i] + gap : "  " + gap + line[i];
        }
        out += '\n';
    }
    return out;
}

json::object to_json(const column& one) {
    const figures& f = one.figures;
    json::object classes, refused;
    for (std::size_t k = 0; k < num_classes; ++k) {
        const class_figures& c = f.classes[k];
        classes[class_name(k)] = json::object{
            {"offered", c.offered},
            {"admitted", c.admitted},
            {"good", c.good},
            {"goodput", c.good / f.window},
            {"ttft", to_json(c.ttft)},
            {"tpot", to_json(c.tpot)},
            {"wait", to_json(c.wait)}
        };
    }
    for (std::size_t i = 0; i < num_errcs; ++i)
        if (f.refused[i] > 0) refused[describe(static_cast<errc>(i)).label] = f.refused[i];
    json::array deciles(f.admitted_by_length.begin(), f.admitted_by_length.end());
    json::object out{
        {"name", one.name},
        {"window", f.window},
        {"capacity", number(one.full.requests > 0 ? one.full.requests : NAN)},
        {"capacity_tokens", number(one.full.tokens > 0 ? one.full.tokens : NAN)},
        {"offered", f.offered},
        {"good", f.good},
        {"goodput", f.goodput},
        {"goodput_tokens", f.goodput_tokens},
        {"g2", number(one.overload ? one.overload->requests : NAN)},
        {"g2_tokens", number(one.overload ? one.overload->tokens : NAN)},
        {"classes", classes},
        {"refused", refused},
        {"left", f.left},
        {"failed", f.failed},
        {"unfinished", f.unfinished},
        {"jain", f.jain},
        {"backlogged_tenants", f.backlogged},
        {"shed_flips_a_minute", f.shed_flips},
        {"refusal_flips_a_minute", f.refusal_flips},
        {"busy", f.busy},
        {"admitted_by_prompt_length", deciles}
    };
    return out;
}

series goodput_over_time(const std::string& name, const run_result& run, const domain_spec& spec) {
    constexpr double step = 5;
    std::vector<double> good;
    good.resize(static_cast<std::size_t>(std::max(0.0, seconds(run.until - run.from) / step)) + 1);
    for (const record& r : run.records) {
        if (r.arrived < run.from || r.arrived >= run.until || !is_good(r, spec)) continue;
        good[static_cast<std::size_t>(seconds(r.arrived - run.from) / step)] += 1 / step;
    }
    series line{.name = name};
    // The last step may be a short one.
    for (std::size_t i = 0; i + 1 < good.size(); ++i)
        line.points.emplace_back(
            seconds(run.from.time_since_epoch()) + step * (double(i) + 0.5), good[i]
        );
    return line;
}

}  // namespace penstock::simulator
