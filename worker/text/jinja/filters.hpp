// The filters, tests and global functions that a template may name.
#pragma once

#include "worker/text/jinja/workspace.hpp"

#include <span>
#include <string_view>

namespace penstock::worker::jinja {

// nullptr: there is none.
const callable_row* find_filter(std::string_view name) noexcept;
const callable_row* find_test(std::string_view name) noexcept;
const callable_row* find_global(std::string_view name) noexcept;

// The tables that find_filter looks through.
std::span<const callable_row> text_filters() noexcept;
std::span<const callable_row> number_filters() noexcept;
std::span<const callable_row> item_filters() noexcept;
std::span<const callable_row> picking_filters() noexcept;

}  // namespace penstock::worker::jinja
