#include <cblas.h>

/* LAPACK as OpenBLAS carries it; Debian's package has no header for it. Fortran's interface: all by address, column-major. */

/* All eigenvalues w, rising, and eigenvectors (into a) of a symmetric matrix. */
void dsyevd_(
    const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
    const int *lwork, int *iwork, const int *liwork, int *info);
