// The check that a row of a result has the same bits in every batch, for any op that maps rows to
// rows. The canary shows that it can fail.
#pragma once

#include "bench_of_ops.hpp"

#include <functional>
#include <string>

namespace penstock::worker {

// out = what an op makes of the rows of x
using row_map = std::function<void(tensor x, tensor out)>;

// Computes `op` over batches of these sizes (ascending), taken from the front and from the back of
// `x`, and compares each with the rows that `alone` gives one by one. Says what differs first;
// empty when nothing does.
inline std::string first_variance(
    const row_map& alone,
    const row_map& op,
    numbers& x,
    std::size_t columns,
    std::size_t outputs,
    const std::vector<std::size_t>& sizes = row_counts
) {
    const std::size_t most = sizes.back();
    numbers wanted(most * outputs);
    for (std::size_t i = 0; i < most; ++i)
        alone({&x[i * columns], 1, columns}, {&wanted[i * outputs], 1, outputs});
    for (const std::size_t m : sizes)
        for (const std::size_t first : {std::size_t(0), most - m}) {
            numbers out(m * outputs, NAN);
            op({&x[first * columns], m, columns}, view(out, outputs));
            for (std::size_t i = 0; i < m; ++i)
                if (bits_of(&out[i * outputs], outputs) !=
                    bits_of(&wanted[(first + i) * outputs], outputs))
                    return "row " + std::to_string(i) + " of " + std::to_string(m);
        }
    return {};
}

}  // namespace penstock::worker
