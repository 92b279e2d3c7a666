// A number that tells contents apart which differ by accident: another training, a download that
// broke, a byte that turned. It is no defence against who wants two contents to have one.
//
// Every step is a bijection of the state: contents of one length that differ within one aligned
// word of 8 bytes never have the same hash; any others have with a chance of about 2^-64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace penstock::worker {

// The same on every machine. Some 10 GB a second and core: no slower than memory.
std::uint64_t content_hash(std::span<const std::byte> bytes) noexcept;

// Of a list of hashes, in order.
std::uint64_t joined_hash(std::span<const std::uint64_t> parts) noexcept;

}  // namespace penstock::worker
