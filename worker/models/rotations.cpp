// Frequencies as `_compute_default_rope_parameters` and `_compute_yarn_parameters` round them.
#include "worker/models/rotations.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace penstock::worker {

namespace {

double mscale_of(double factor, double mscale) {
    return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

double attention_factor_of(const yarn_config& yarn) {
    if (yarn.attention_factor) return *yarn.attention_factor;
    // A zero counts as not given, as in Python.
    if (yarn.mscale.value_or(0) != 0 && yarn.mscale_all_dim.value_or(0) != 0)
        return mscale_of(yarn.factor, *yarn.mscale) / mscale_of(yarn.factor, *yarn.mscale_all_dim);
    return mscale_of(yarn.factor, 1);
}

// The dimension that turns `rotations` times within the original context.
double dimension_of(double rotations, const rotation_config& config, std::uint32_t head_dim) {
    const double wavelength = config.yarn->original_positions / (rotations * 2 * std::numbers::pi);
    return head_dim * std::log(wavelength) / (2 * std::log(config.base));
}

// Below `low` a dimension is left as it is, above `high` it is interpolated.
struct ramp {
    double low = 0, high = 0;

    float operator()(std::size_t i) const {
        // The difference to `low` and the quotient are rounded to fp32, as tensors are.
        const float above = static_cast<float>(i) - static_cast<float>(low);
        return std::clamp(above / static_cast<float>(high - low), 0.0f, 1.0f);
    }
};

ramp ramp_of(const rotation_config& config, std::uint32_t head_dim) {
    const yarn_config& yarn = *config.yarn;
    ramp made{
        dimension_of(yarn.beta_fast, config, head_dim),
        dimension_of(yarn.beta_slow, config, head_dim),
    };
    if (yarn.truncate) {
        made.low = std::floor(made.low);
        made.high = std::ceil(made.high);
    }
    made.low = std::max(made.low, 0.0);
    made.high = std::min(made.high, head_dim - 1.0);
    if (made.low == made.high) made.high += 0.001;
    return made;
}

}  // namespace

rotation_frequencies frequencies_of(const rotation_config& config, std::uint32_t head_dim) {
    rotation_frequencies made;
    made.inverse.resize(head_dim / 2);
    const ramp interpolated = config.yarn ? ramp_of(config, head_dim) : ramp{};
    if (config.yarn) made.attention_factor = static_cast<float>(attention_factor_of(*config.yarn));
    for (std::size_t i = 0; i < made.inverse.size(); ++i) {
        const float exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
        const auto wavelength = static_cast<float>(std::pow(config.base, double(exponent)));
        const float as_trained = 1.0f / wavelength;
        made.inverse[i] = as_trained;
        if (!config.yarn) continue;
        const float stretched = 1.0f / (static_cast<float>(config.yarn->factor) * wavelength);
        const float kept = 1.0f - interpolated(i);
        made.inverse[i] = stretched * (1.0f - kept) + as_trained * kept;
    }
    return made;
}

rotation_tables tabulate(const rotation_frequencies& frequencies, std::uint32_t positions) {
    rotation_tables made;
    const std::size_t width = frequencies.inverse.size();
    made.cosines.resize(positions * width);
    made.sines.resize(positions * width);
    for (std::size_t position = 0; position < positions; ++position)
        for (std::size_t i = 0; i < width; ++i) {
            const float angle = static_cast<float>(position) * frequencies.inverse[i];
            const std::size_t at = position * width + i;
            const auto cosine = static_cast<float>(std::cos(double(angle)));
            const auto sine = static_cast<float>(std::sin(double(angle)));
            made.cosines[at] = cosine * frequencies.attention_factor;
            made.sines[at] = sine * frequencies.attention_factor;
        }
    return made;
}

}  // namespace penstock::worker
