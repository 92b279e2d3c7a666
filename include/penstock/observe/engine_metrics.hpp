// What an engine says of itself on its /metrics, whichever engine it is.
#pragma once

#include "penstock/contracts/admission.hpp"

#include <string_view>

namespace penstock::observe {

// Reads Prometheus' text format (or OpenMetrics') of vLLM, SGLang, TGI, llama.cpp, Triton with
// TensorRT-LLM, or penstock-worker; the names are those of routers.md §3.1. A field of which
// nothing is said stays −1: that is not zero. Series of one name that differ in their labels
// (models, ranks) are added up, shares among them give the largest. Of several names with one
// meaning the first of the table counts. Values that are no number, negative or absurd count as not
// said. Foreign bytes: any text is read in time proportional to its size, without allocating.
fact::scraped read_engine_metrics(std::string_view text) noexcept;

// Whether it said anything at all.
bool says_anything(const fact::scraped& what) noexcept;

}  // namespace penstock::observe
