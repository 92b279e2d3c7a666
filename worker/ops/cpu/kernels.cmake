# Kernels are optimised in every build, and only those multiply-adds are fused that the source
# names: the compiler may not choose differently for one row than for six.
set(kernel_flags -O3 -ffp-contract=off)
set_source_files_properties(worker/ops/cpu/kernels_portable.cpp worker/ops/cpu/sampler.cpp
                            worker/ops/cpu/heaviest.cpp PROPERTIES
                            COMPILE_OPTIONS "${kernel_flags}")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set_source_files_properties(worker/ops/cpu/kernels_avx2.cpp PROPERTIES
                                COMPILE_OPTIONS "${kernel_flags};-mavx2;-mfma")
endif()
