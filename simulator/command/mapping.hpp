// One mapping of a YAML document: fields are taken by name, what is left over is a mistake.
#pragma once

#include "gateway/settings/document.hpp"
#include "gateway/settings/scalars.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <vector>

namespace penstock::simulator {

class mapping {
 public:
    mapping(const settings::node& from, std::string path, settings::findings& found)
        : from_(from), path_(std::move(path)), found_(found) {
        if (from.is != settings::node::kind::map)
            found_.misread(from.at, path_, "must be a mapping of names to values");
    }
    // Every key must have been asked for by now.
    ~mapping() {
        for (const auto& each : from_.entries)
            if (std::find(asked_.begin(), asked_.end(), each.key) == asked_.end())
                found_.misread(each.at, path_of(each.key), "there is no such key here");
    }
    mapping(const mapping&) = delete;

    const settings::node* find(std::string_view key) {
        asked_.push_back(key);
        for (const auto& each : from_.entries)
            if (each.key == key) return &each.value;
        return nullptr;
    }
    std::string path_of(std::string_view key) const {
        return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
    }

    void number(std::string_view key, double& into, double least, double most) {
        read(key, into, least, most, "a number", [](std::string_view text) {
            double value = 0;
            const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
            const bool whole = code == std::errc{} && end == text.data() + text.size();
            return whole ? std::optional(value) : std::nullopt;
        });
    }
    void share(std::string_view key, double& into, double most = 1) {
        read(key, into, 0.0, most, "a share, 40% or 0.4", settings::parse_share);
    }
    template <class Count>
    void count(std::string_view key, Count& into, std::uint64_t least, std::uint64_t most) {
        std::uint64_t value = into;
        read(key, value, least, most, "a whole number", [](std::string_view text) {
            return settings::parse_amount(text, settings::unit::tokens);
        });
        into = static_cast<Count>(value);
    }
    void time(std::string_view key, duration& into) {
        constexpr duration most = std::chrono::hours(24 * 30);
        read(key, into, duration::zero(), most, "a time, 500ms or 2s", settings::parse_duration);
    }
    void text(std::string_view key, std::string& into) {
        const settings::node* value = find(key);
        if (!value) return;
        if (value->is != settings::node::kind::scalar)
            return found_.misread(value->at, path_of(key), "must be text");
        into = value->text;
    }
    // Calls each(node, path of the item) for the items of a list that is not empty.
    template <class Each>
    void list(std::string_view key, Each&& each) {
        const settings::node* value = find(key);
        if (!value) return;
        if (value->is != settings::node::kind::list || value->items.empty())
            return found_.misread(value->at, path_of(key), "must be a list that is not empty");
        if (value->items.size() > 10'000)
            return found_.misread(value->at, path_of(key), "must have at most 10000 items");
        for (std::size_t i = 0; i < value->items.size(); ++i)
            each(value->items[i], path_of(key) + "[" + std::to_string(i) + "]");
    }
    // Calls with(node, path) when the key is there.
    template <class With>
    void nested(std::string_view key, With&& with) {
        if (const settings::node* value = find(key)) with(*value, path_of(key));
    }
    void misread(std::string_view key, std::string what) {
        const settings::node* value = find(key);
        found_.misread(value ? value->at : from_.at, path_of(key), std::move(what));
    }

 private:
    template <class Value, class Parse>
    void read(
        std::string_view key, Value& into, Value least, Value most, const char* kind, Parse&& parse
    ) {
        const settings::node* value = find(key);
        if (!value) return;
        const auto read =
            value->is == settings::node::kind::scalar ? parse(value->text) : decltype(parse(""))();
        if (!read)
            found_.misread(value->at, path_of(key), std::string("must be ") + kind);
        else if (*read < least || *read > most)
            found_.misread(
                value->at, path_of(key), "must be from " + said(least) + " to " + said(most)
            );
        else
            into = static_cast<Value>(*read);
    }
    static std::string said(duration d) { return settings::format_duration(d); }
    static std::string said(std::uint64_t n) { return std::to_string(n); }
    static std::string said(double x) {
        std::string text = std::to_string(x);
        text.erase(text.find_last_not_of('0') + 1);
        if (text.back() == '.') text.pop_back();
        return text;
    }

    const settings::node& from_;
    std::string path_;
    settings::findings& found_;
    std::vector<std::string_view> asked_;
};

}  // namespace penstock::simulator
