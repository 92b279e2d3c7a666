// Reads a stretch of a file in pieces, several at a time.
//
// Plain reads and no mapping: a page fault would stop the thread that touches a weight first, one
// page at a time, and a file cut short would end the process with SIGBUS.
#pragma once

#include "penstock/result.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <sys/types.h>

namespace penstock::worker {

// As pread(2): how many bytes it read at `offset`, 0 at the end, or -1 with errno.
using read_some = std::function<ssize_t(std::span<std::byte> to, std::uint64_t offset)>;

read_some reads_of(int file);

inline constexpr std::size_t read_piece_bytes = 8 * 1024 * 1024;

// Told of every piece once it is there, by the thread that read it; several at a time.
using piece_seen = std::function<void(std::size_t index, std::span<const std::byte> piece)>;

// Fills `out` with what stands at `offset`, by `readers` threads at most, the calling one among
// them. Piece i begins `i` times `piece_bytes` behind `offset`, whatever reads it. Errors:
// io_failed, the first that was met; `out` is then undefined.
result<void> read_in_pieces(
    const read_some& read,
    std::uint64_t offset,
    std::span<std::byte> out,
    unsigned readers,
    std::size_t piece_bytes = read_piece_bytes,
    const piece_seen& seen = {}
);

}  // namespace penstock::worker
