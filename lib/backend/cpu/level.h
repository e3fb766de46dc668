// Which instructions the kernels may use, found out at run time. RECURRA_CPU_LEVEL=plain|avx2|avx512|amx in the
// environment forces a lower one than the CPU has; RECURRA_CPU_SCAN=step|chunk forces the form in which blocks of
// tokens go through the recurrence. Both are read when a backend is made.
#pragma once

namespace recurra {

enum class Level { plain, avx2, avx512, amx };

struct CpuLevel {
  Level level;       // amx: the kernels of avx512, and oneDNN's AMX products
  bool native_bf16;  // bf16 products in hardware (AVX512_BF16 or AMX) that may be used at this level
};

const char* level_name(Level level);
// The best level this CPU has.
Level best_level();
// The level to use; throws Code::backend when the environment asks for one this CPU lacks, or none.
CpuLevel choose_level();

// How a core gets most out of memory. With weights from memory, one thread and two: an EPYC of family 26 gives the
// products of single F16 rows 37 and 57 GB/s from one place, with what lies 16 KB further on asked for, 28 and 46 from
// eight places in different pages; a Xeon with AMX 11 to 12 and 22 from one place, at whatever distance, 14 to 18 and
// 29 from several.
enum class Reading { one_place, several_places };
// By the CPU's maker.
Reading best_reading();

// fastest: whichever was measured to be, by level, kind of recurrence and width of the head.
enum class ScanForm { fastest, step, chunk };
// Throws Code::backend when the environment asks for a form there is not.
ScanForm choose_scan_form();

}  // namespace recurra
