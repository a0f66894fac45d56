// CuPy's header for complex numbers lives in Thrust's namespace and takes its bounds from here.
#pragma once
#define THRUST_NAMESPACE_BEGIN namespace thrust {
#define THRUST_NAMESPACE_END }
