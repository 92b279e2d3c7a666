// Unicode normalisation form C, in time n log n on any text.
#pragma once

#include "worker/text/moved_ranges.hpp"

#include <string>
#include <string_view>

namespace penstock::worker {

// Whether `text`, which is UTF-8, holds a character that NFC may have to change.
bool may_need_nfc(std::string_view text) noexcept;

// `text`, which is UTF-8, in NFC; `ranges` hears of each stretch.
std::string to_nfc(std::string_view text, moved_ranges& ranges);

}  // namespace penstock::worker
