// A picture as bytes of a PNG file: signature, header, one compressed chunk, end (ISO/IEC 15948).
#include "simulator/png.hpp"

#include <zlib.h>

namespace penstock::simulator {
namespace {

std::string big_endian(std::uint32_t value) {
    return {char(value >> 24), char(value >> 16), char(value >> 8), char(value)};
}

const unsigned char* bytes(const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::string chunk(const std::string& type, const std::string& data) {
    const std::string covered = type + data;
    const auto check = crc32(0, bytes(covered), static_cast<uInt>(covered.size()));
    return big_endian(static_cast<std::uint32_t>(data.size())) + covered +
           big_endian(static_cast<std::uint32_t>(check));
}

std::string compressed(const std::string& raw) {
    uLongf size = compressBound(raw.size());
    std::string out(size, '\0');
    compress2(reinterpret_cast<Bytef*>(out.data()), &size, bytes(raw), raw.size(), 9);
    out.resize(size);
    return out;
}

}  // namespace

std::string to_png(const picture& p) {
    std::string rows;
    for (int y = 0; y < p.height; ++y) {
        rows += '\0';  // no filter
        for (int x = 0; x < p.width; ++x) {
            const color& c = p.pixels[std::size_t(y) * std::size_t(p.width) + std::size_t(x)];
            rows += {char(c.red), char(c.green), char(c.blue)};
        }
    }
    // 8 bits a channel, red, green and blue; the only compression, filter and order that there are.
    const std::string header = big_endian(static_cast<std::uint32_t>(p.width)) +
                               big_endian(static_cast<std::uint32_t>(p.height)) +
                               std::string("\x08\x02\0\0\0", 5);
    return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("IDAT", compressed(rows)) +
           chunk("IEND", {});
}

}  // namespace penstock::simulator
