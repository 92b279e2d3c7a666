// Rotary positions: which frequencies a model turns its queries and keys by, and their cosines and
// sines of every position.
//
// Numbers must be those of Hugging Face's `modeling_rope_utils`: frequencies and angles are rounded
// to fp32 before the cosine is taken. At position 100 000 an angle in double precision is another.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace penstock::worker {

// YaRN, Peng et al. 2023 (arXiv:2309.00071).
struct yarn_config {
    double factor = 1;
    std::uint32_t original_positions = 0;
    double beta_fast = 32, beta_slow = 1;
    std::optional<double> attention_factor, mscale, mscale_all_dim;
    bool truncate = true;  // the borders of the ramp are whole dimensions
};

struct rotation_config {
    double base = 10000;  // rope_theta
    std::optional<yarn_config> yarn;
};

struct rotation_frequencies {
    std::vector<float> inverse;  // radians a position, head_dim / 2 of them
    float attention_factor = 1;  // of cosines and sines
};

rotation_frequencies frequencies_of(const rotation_config& config, std::uint32_t head_dim);

// Each [positions, head_dim / 2].
struct rotation_tables {
    std::vector<float> cosines, sines;
};

rotation_tables tabulate(const rotation_frequencies& frequencies, std::uint32_t positions);

}  // namespace penstock::worker
