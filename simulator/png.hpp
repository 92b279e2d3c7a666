// A picture as bytes of a PNG file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace penstock::simulator {

struct color {
    std::uint8_t red = 0, green = 0, blue = 0;
    bool operator==(const color&) const = default;
};

struct picture {
    picture(int width, int height, color paper)
        : width(width), height(height), pixels(std::size_t(width) * std::size_t(height), paper) {}

    // Outside it nothing happens.
    void set(int x, int y, color ink) {
        if (x >= 0 && y >= 0 && x < width && y < height)
            pixels[std::size_t(y) * std::size_t(width) + std::size_t(x)] = ink;
    }

    int width, height;
    std::vector<color> pixels;  // by row, from the top left
};

std::string to_png(const picture& p);

}  // namespace penstock::simulator
