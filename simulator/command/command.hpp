// `penstock simulate`: a settings file under a load, in virtual time.
#pragma once

#include "gateway/settings/load_options.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace penstock::simulator {

struct arguments {
    std::string config, compare;        // settings files
    std::string model;                  // empty: the only one
    std::string load = "poisson";       // poisson, bursts or a file
    std::string rate;                   // empty: as the load says
    std::string trace;                  // a file of request lines; instead of a load
    std::string fit;                    // a file of request lines that the engine is fitted to
    std::vector<std::string> policies;  // empty: the first of the catalogue
    std::int64_t seed = -1;             // −1: as the load says
    bool g2 = false;
    std::string json, plot;  // files; "-": standard output
};

CLI::App* add_command(CLI::App& app, arguments& into);

// Writes the table to `out` and what is wrong to `err`. The program's exit status: 0, or 1 when
// something is wrong with the arguments or a file.
int simulate(
    const arguments& given,
    const settings::load_options& options,
    std::ostream& out,
    std::ostream& err
);

}  // namespace penstock::simulator
