// What an operator wants of one replica, beside how it is.
#pragma once

#include <cstdint>
#include <string_view>

namespace penstock::gateway {

// Cordoned and drained alike get nothing new and end what they have. What is meant to come next
// differs: who waits for a cordoned one, which will soon be back, goes on waiting.
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
