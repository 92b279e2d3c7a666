# Headers that are read again in every source, read once: a third of what a build costs. Of what is
# shipped only where sanitizers run: what is read once hides an include that is missing.
set(PENSTOCK_PRECOMPILE none CACHE STRING "whose common headers are read once: none, tests or all")
set_property(CACHE PENSTOCK_PRECOMPILE PROPERTY STRINGS none tests all)
if(NOT PENSTOCK_PRECOMPILE MATCHES "^(none|tests|all)$")
    message(FATAL_ERROR "PENSTOCK_PRECOMPILE is none, tests or all, not ${PENSTOCK_PRECOMPILE}")
endif()

# A library of its own keeps a set of headers for all targets that ask for it by name, WHEN the
# option has one of these values.
function(penstock_precompiled_headers name)
    cmake_parse_arguments(set "" "" "WHEN;HEADERS;DEPENDS" ${ARGN})
    if(PENSTOCK_PRECOMPILE IN_LIST set_WHEN)
        file(CONFIGURE OUTPUT ${name}.cpp CONTENT "// Nothing but its headers.\n")
        add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
        target_link_libraries(${name} PRIVATE ${set_DEPENDS})
        target_precompile_headers(${name} PRIVATE ${set_HEADERS})
        penstock_trusts_its_strings(${name})
    endif()
endfunction()

function(penstock_reads_precompiled target name)
    if(TARGET ${name})
        target_precompile_headers(${target} REUSE_FROM ${name})
        penstock_trusts_its_strings(${target})
    endif()
endfunction()

# What g++ 12 wrongly says of its own std::string (its bug 105651), which it no longer knows for a
# system's once that is precompiled. Elsewhere these warnings are on.
function(penstock_trusts_its_strings target)
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
        target_compile_options(${target} PRIVATE -Wno-array-bounds -Wno-restrict
                                                 -Wno-stringop-overflow)
    endif()
endfunction()

set(standard_headers <algorithm> <array> <atomic> <charconv> <chrono> <cmath> <condition_variable>
    <coroutine> <cstdint> <cstring> <deque> <filesystem> <fstream> <functional> <iostream> <limits>
    <map> <memory> <mutex> <optional> <random> <set> <span> <sstream> <string> <string_view>
    <thread> <unordered_map> <variant> <vector>)
