// The operational log: one JSON line for each change of state, on standard error. Nothing that
// happens on every request is said here, and no secret or request text. Any thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <string_view>
#include <variant>

namespace penstock::observe::log {

enum class level : std::uint8_t { debug, info, warning, error, off };  // error: someone must act

struct field {
    std::string_view key;
    std::variant<std::string_view, std::int64_t, double, bool> value;

    field(std::string_view key, std::string_view value) : key(key), value(value) {}
    field(std::string_view key, const char* value) : key(key), value(std::string_view(value)) {}
    field(std::string_view key, double value) : key(key), value(value) {}
    field(std::string_view key, bool value) : key(key), value(value) {}
    template <std::integral T>
    field(std::string_view key, T value) : key(key), value(static_cast<std::int64_t>(value)) {}
};
using fields = std::initializer_list<field>;

// `event` is a stable name in snake_case:
//     log::info("settings_reloaded", {{"generation", 3}, {"models", 2}});
void debug(std::string_view event, fields fields = {});
void info(std::string_view event, fields fields = {});
void warning(std::string_view event, fields fields = {});
void error(std::string_view event, fields fields = {});

// What escaped from work that nobody waits for, in the exception's own words: an error, and no line
// when nothing did. `of`: whose work it was; may be empty.
void escaped(
    std::string_view event, const std::exception_ptr& what, std::string_view of = {}
) noexcept;

void set_level(level least);
// Whether a line of this level would be written: for those that cost something to make. One relaxed
// load.
bool says(level at) noexcept;

// Where lines go, each with its newline; empty: standard error again. When standard error is
// blocked a line is dropped instead of waiting.
void set_output(std::function<void(std::string_view line)> output);

std::uint64_t lines_dropped() noexcept;

}  // namespace penstock::observe::log
