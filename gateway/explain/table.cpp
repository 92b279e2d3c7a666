// An explanation for people. It knows the shape alone: numbers that are added later are printed.
#include "gateway/explain/table.hpp"

#include "gateway/explain/plain_json.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>
#include <vector>

namespace penstock::gateway {
namespace {

using boost::json::array;
using boost::json::object;

std::string text_of(const boost::json::value& value) {
    if (value.is_bool()) return value.as_bool() ? "yes" : "no";
    return value.is_string() ? std::string(value.as_string()) : plain_json(value);
}

using cells = std::vector<std::string>;

// Objects of the same members: a head of their names, then a row each.
std::vector<cells> rows_of(const array& all) {
    std::vector<cells> rows;
    for (const auto& each : all) {
        const auto* o = each.if_object();
        if (!o) continue;
        cells head, row;
        for (const auto& [name, value] : *o) {
            head.emplace_back(name);
            row.push_back(text_of(value));
        }
        if (rows.empty()) rows.push_back(std::move(head));
        row.resize(rows.front().size());
        rows.push_back(std::move(row));
    }
    return rows;
}

void print(std::string_view name, const array& all, std::ostream& out) {
    const auto rows = rows_of(all);
    out << "  " << name << (rows.empty() ? ": none\n" : "\n");
    for (const auto& row : rows) {
        out << "   ";
        for (std::size_t i = 0; i < row.size(); ++i) {
            std::size_t width = 0;
            for (const auto& other : rows)
                width = std::max(width, other[i].size());
            const bool last = i + 1 == row.size();
            out << ' ' << std::left << std::setw(last ? 0 : static_cast<int>(width) + 1) << row[i];
        }
        out << '\n';
    }
}

void print(std::string_view stage, const object& told, std::ostream& out) {
    constexpr int stage_width = 14, name_width = 20;
    const auto* verdict = told.if_contains("verdict");
    out << std::left << std::setw(stage_width) << stage << (verdict ? text_of(*verdict) : "")
        << '\n';
    for (const auto& [name, value] : told) {
        if (name == "verdict") continue;
        if (const auto* all = value.if_array()) {
            print(std::string_view(name), *all, out);
            continue;
        }
        out << "  " << std::setw(name_width) << std::string_view(name) << ' ' << text_of(value)
            << '\n';
    }
}

void print_stages(const object& pass, std::ostream& out) {
    for (const auto& [name, value] : pass)
        if (const auto* stage = value.if_object()) print(std::string_view(name), *stage, out);
}

// "admitted by admit"
std::string outcome_of(const object& pass) {
    const auto* verdict = pass.if_contains("verdict");
    const auto* by = pass.if_contains("decided_by");
    return verdict && by ? text_of(*verdict) + " by " + text_of(*by) : "";
}

void print_fallbacks(const array& passes, std::ostream& out) {
    for (const auto& each : passes) {
        const auto* pass = each.if_object();
        if (!pass) continue;
        const auto* model = pass->if_contains("model");
        out << "fallback to " << (model ? text_of(*model) : "") << ": " << outcome_of(*pass)
            << '\n';
        print_stages(*pass, out);
    }
}

}  // namespace

void print_explanation(const object& explanation, std::ostream& out) {
    print_stages(explanation, out);
    if (const auto* passes = explanation.if_contains("fallbacks"))
        if (const auto* all = passes->if_array()) print_fallbacks(*all, out);
    out << "=> " << outcome_of(explanation);
    if (const auto* other = explanation.if_contains("fell_back_to"))
        out << " of " << text_of(*other);
    out << '\n';
}

}  // namespace penstock::gateway
