// What an operator wants of one replica, beside how it is.
#pragma once

#include <cstdint>
#include <string_view>

namespace penstock::gateway {

// Cordoned and drained alike get nothing new and end what they have; the two differ in what is
// meant to come next: back soon, or gone.
enum class operator_word : std::uint8_t { ready, cordoned, drained };

constexpr std::string_view text_of(operator_word word) noexcept {
    switch (word) {
        case operator_word::ready:
            return "ready";
        case operator_word::cordoned:
            return "cordoned";
        case operator_word::drained:
            return "drained";
    }
    return "unknown";
}

}  // namespace penstock::gateway
