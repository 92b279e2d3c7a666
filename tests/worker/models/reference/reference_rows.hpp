// Activations of the reference backend: doubles.
#pragma once

#include "worker/ops/tensor.hpp"

#include <span>
#include <stdexcept>

namespace penstock::worker::reference {

inline std::span<double> row_of(tensor x, std::size_t i) {
    return {static_cast<double*>(x.data) + i * x.columns, x.columns};
}

inline void demand(bool holds, const char* what) {
    if (!holds) throw std::logic_error(what);
}

}  // namespace penstock::worker::reference
