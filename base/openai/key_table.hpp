// A fixed list of names, looked up by hash. Made at compile time.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace penstock::openai {

template <std::size_t N>
class key_table {
 public:
    // `name_of(row)` is the name of each row; names are distinct.
    template <class Row, class NameOf>
    constexpr key_table(const std::array<Row, N>& rows, NameOf name_of) {
        for (std::size_t i = 0; i < N; ++i) {
            names_[i] = name_of(rows[i]);
            std::size_t slot = hash(names_[i]);
            while (slots_[slot] != 0)
                slot = (slot + 1) % num_slots;
            slots_[slot] = static_cast<std::uint8_t>(i + 1);
        }
    }

    // Its place in the list, or -1.
    constexpr int find(std::string_view name) const noexcept {
        if (name.empty()) return -1;
        for (std::size_t slot = hash(name); slots_[slot] != 0; slot = (slot + 1) % num_slots)
            if (names_[slots_[slot] - 1u] == name) return slots_[slot] - 1;
        return -1;
    }

 private:
    static constexpr std::size_t num_slots = 256;
    static_assert(N < num_slots / 2);

    static constexpr std::size_t hash(std::string_view name) noexcept {
        const auto first = static_cast<unsigned char>(name.front());
        const auto middle = static_cast<unsigned char>(name[name.size() / 2]);
        const auto last = static_cast<unsigned char>(name.back());
        return (name.size() * 37u + first * 5u + middle * 11u + last * 23u) % num_slots;
    }

    std::array<std::string_view, N> names_{};
    std::array<std::uint8_t, num_slots> slots_{};
};

}  // namespace penstock::openai
