#include "CKernels.h"
int wavetag_kernels_placeholder(void) { return 1; }
