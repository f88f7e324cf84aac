// A dense network on oneDNN's primitives, for its interfaces of version 2 (Debian 12) and 3.
//
// Two variants. "inner product": every layout is the library's choice; weights stay in that of the forward pass, and
// are reordered where a backward primitive wants another. "matmul": plain row-major matrices, bias and relu fused into
// the forward product, the update fused into the weight gradient as a sum. Losses, biases' sums and, in "inner
// product", the update are loops. The learning rate rides on the loss gradient.

#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <unordered_map>
#include <vector>

#include "dnnl.hpp"
#include "network.h"

using namespace dnnl;

namespace {

using arguments = std::unordered_map<int, memory>;
using tag = memory::format_tag;

memory::desc matrix(long rows, long columns, tag layout) {
  return memory::desc({rows, columns}, memory::data_type::f32, layout);
}

memory::desc vector(long count) { return memory::desc({count}, memory::data_type::f32, tag::a); }

float *elements(const memory &m) { return static_cast<float *>(m.get_data_handle()); }

/// A primitive's description, in the words of version 2 or 3.
template <typename Primitive, typename... Arguments>
typename Primitive::primitive_desc describe(const engine &e, const primitive_attr &attributes, Arguments... arguments) {
#if DNNL_VERSION_MAJOR < 3
  return {typename Primitive::desc(arguments...), attributes, e};
#else
  return {e, arguments..., attributes};
#endif
}

/// The same for a backward pass, which is described with its forward pass.
template <typename Primitive, typename Forward, typename... Arguments>
typename Primitive::primitive_desc describe_backward(const engine &e, const Forward &forward, Arguments... arguments) {
#if DNNL_VERSION_MAJOR < 3
  return {typename Primitive::desc(arguments...), e, forward};
#else
  return {e, arguments..., forward};
#endif
}

struct call {
  primitive work;
  arguments with;
};

struct layer {
  int inputs, outputs;
  memory weights, bias;
  memory weight_gradient, bias_gradient;  // "inner product" alone
  memory values, difference;
};

struct network {
  engine processor{engine::kind::cpu, 0};
  stream queue{processor};
  int rows, is_cross_entropy, is_relu, trains;
  float scale;
  bool is_inner_product;
  memory inputs;
  std::vector<float> targets;
  std::vector<layer> layers;
  std::vector<call> forward;
  std::vector<std::vector<call>> backward;  // for each layer: what comes before its update

  memory make(const memory::desc &description) {
    memory m(description, processor);
    std::memset(m.get_data_handle(), 0, description.get_size());
    return m;
  }

  void copy(memory from, memory to) {
    reorder(from, to).execute(queue, from, to);
    queue.wait();
  }

  memory filled(const memory::desc &plain, const memory::desc &wanted, const float *values) {
    memory from = make(plain);
    std::memcpy(from.get_data_handle(), values, plain.get_size());
    if (plain == wanted) return from;
    memory to = make(wanted);
    copy(from, to);
    return to;
  }

  void run(std::vector<call> &calls) {
    for (auto &each : calls) each.work.execute(queue, each.with);
  }
};

/// Fewer elements than this are not worth a fork.
constexpr long parallel_elements = 1 << 15;

void loss_gradient(network &n) {
  layer &last = n.layers.back();
  int columns = last.outputs;
  const float *y = elements(last.values), *t = n.targets.data();
  float *d = elements(last.difference);
  if (!n.is_cross_entropy) {
    long count = long(n.rows) * columns;
#pragma omp parallel for simd schedule(static) if (count > parallel_elements)
    for (long i = 0; i < count; i++) d[i] = (y[i] - t[i]) * n.scale;
    return;
  }
  for (int i = 0; i < n.rows; i++, y += columns, t += columns, d += columns) {
    float largest = y[0], sum = 0;
    for (int j = 1; j < columns; j++) largest = y[j] > largest ? y[j] : largest;
    for (int j = 0; j < columns; j++) sum += d[j] = std::exp(y[j] - largest);
    for (int j = 0; j < columns; j++) d[j] = (d[j] / sum - t[j]) * n.scale;
  }
}

/// The derivative of relu and, where `bias` is given, the sums over rows added to it. Threads take columns.
void activation_gradient(const float *values, float *difference, float *bias, int rows, int columns) {
  int chunk = 64, chunks = (columns + chunk - 1) / chunk;
#pragma omp parallel for schedule(static) if (long(rows) * columns > parallel_elements)
  for (int c = 0; c < chunks; c++) {
    int first = c * chunk, end = std::min(first + chunk, columns);
    for (int i = 0; i < rows; i++) {
      long row = long(i) * columns;
      if (values)
        for (int j = first; j < end; j++) difference[row + j] = values[row + j] > 0 ? difference[row + j] : 0;
      if (bias)
        for (int j = first; j < end; j++) bias[j] += difference[row + j];
    }
  }
}

void add(const memory &sum, const memory &term) {
  long count = sum.get_desc().get_size() / sizeof(float);
  float *s = elements(sum);
  const float *t = elements(term);
#pragma omp parallel for simd schedule(static) if (count > parallel_elements)
  for (long i = 0; i < count; i++) s[i] += t[i];
}

primitive_attr with_relu(bool is_relu) {
  primitive_attr attributes;
  if (is_relu) {
    post_ops operations;
#if DNNL_VERSION_MAJOR < 3
    operations.append_eltwise(1, algorithm::eltwise_relu, 0, 0);
#else
    operations.append_eltwise(algorithm::eltwise_relu, 0, 0);
#endif
    attributes.set_post_ops(operations);
  }
  return attributes;
}

void prepare_matmul(network &n, const problem &p) {
  memory x = n.inputs;
  for (int l = 0; l < p.layers; l++) {
    layer each;
    int in = each.inputs = p.sizes[l], out = each.outputs = p.sizes[l + 1];
    bool is_relu = n.is_relu && l < p.layers - 1;
    // Weights that do not change may have any layout.
    auto plain = matrix(in, out, tag::ab);
    auto values = matrix(n.rows, out, tag::ab);
    auto bias = matrix(1, out, tag::ab);
    auto description = describe<matmul>(n.processor, with_relu(is_relu), matrix(n.rows, in, tag::ab),
                                        n.trains ? plain : matrix(in, out, tag::any), bias, values);
    each.weights = n.filled(plain, description.weights_desc(), p.weights[l]);
    each.bias = n.filled(bias, bias, p.biases[l]);
    each.values = n.make(values);
    n.forward.push_back({matmul(description),
                         {{DNNL_ARG_SRC, x},
                          {DNNL_ARG_WEIGHTS, each.weights},
                          {DNNL_ARG_BIAS, each.bias},
                          {DNNL_ARG_DST, each.values}}});
    if (n.trains) {
      each.difference = n.make(values);
      std::vector<call> calls;
      if (l > 0) {
        auto below = describe<matmul>(n.processor, primitive_attr(), values, matrix(out, in, tag::ba),
                                      matrix(n.rows, in, tag::ab));
        memory transposed(matrix(out, in, tag::ba), n.processor, each.weights.get_data_handle());
        calls.push_back({matmul(below),
                         {{DNNL_ARG_SRC, each.difference},
                          {DNNL_ARG_WEIGHTS, transposed},
                          {DNNL_ARG_DST, n.layers[l - 1].difference}}});
      }
      primitive_attr sum;
      post_ops operations;
      operations.append_sum(1);
      sum.set_post_ops(operations);
      auto update = describe<matmul>(n.processor, sum, matrix(in, n.rows, tag::ba), values, plain);
      memory transposed(matrix(in, n.rows, tag::ba), n.processor, x.get_data_handle());
      calls.push_back({matmul(update),
                       {{DNNL_ARG_SRC, transposed},
                        {DNNL_ARG_WEIGHTS, each.difference},
                        {DNNL_ARG_DST, each.weights}}});
      n.backward.push_back(calls);
    }
    x = each.values;
    n.layers.push_back(each);
  }
}

void prepare_inner_product(network &n, const problem &p) {
  memory x = n.inputs;
  for (int l = 0; l < p.layers; l++) {
    layer each;
    int in = each.inputs = p.sizes[l], out = each.outputs = p.sizes[l + 1];
    bool is_relu = n.is_relu && l < p.layers - 1;
    auto source = matrix(n.rows, in, tag::ab), values = matrix(n.rows, out, tag::ab);
    auto any = matrix(out, in, tag::any);
    auto description = describe<inner_product_forward>(
        n.processor, with_relu(is_relu), n.trains ? prop_kind::forward_training : prop_kind::forward_inference, source,
        any, vector(out), values);
    // Weights are [outputs x inputs] here: the given matrix read by columns.
    each.weights = n.filled(matrix(out, in, tag::ba), description.weights_desc(), p.weights[l]);
    each.bias = n.filled(vector(out), vector(out), p.biases[l]);
    each.values = n.make(values);
    n.forward.push_back({inner_product_forward(description),
                         {{DNNL_ARG_SRC, x},
                          {DNNL_ARG_WEIGHTS, each.weights},
                          {DNNL_ARG_BIAS, each.bias},
                          {DNNL_ARG_DST, each.values}}});
    if (n.trains) {
      each.difference = n.make(values);
      std::vector<call> calls;
      if (l > 0) {
        auto below =
            describe_backward<inner_product_backward_data>(n.processor, description, source, any, values);
        memory weights = each.weights;
        if (below.weights_desc() != weights.get_desc()) {
          weights = n.make(below.weights_desc());
          calls.push_back({reorder(each.weights, weights), {{DNNL_ARG_FROM, each.weights}, {DNNL_ARG_TO, weights}}});
        }
        calls.push_back({inner_product_backward_data(below),
                         {{DNNL_ARG_DIFF_DST, each.difference},
                          {DNNL_ARG_WEIGHTS, weights},
                          {DNNL_ARG_DIFF_SRC, n.layers[l - 1].difference}}});
      }
      auto gradient = describe_backward<inner_product_backward_weights>(n.processor, description, source, any,
                                                                        vector(out), values);
      memory found = n.make(gradient.diff_weights_desc());
      each.weight_gradient = found;
      each.bias_gradient = n.make(vector(out));
      calls.push_back({inner_product_backward_weights(gradient),
                       {{DNNL_ARG_SRC, x},
                        {DNNL_ARG_DIFF_DST, each.difference},
                        {DNNL_ARG_DIFF_WEIGHTS, found},
                        {DNNL_ARG_DIFF_BIAS, each.bias_gradient}}});
      if (found.get_desc() != each.weights.get_desc()) {
        each.weight_gradient = n.make(each.weights.get_desc());
        calls.push_back({reorder(found, each.weight_gradient),
                         {{DNNL_ARG_FROM, found}, {DNNL_ARG_TO, each.weight_gradient}}});
      }
      n.backward.push_back(calls);
    }
    x = each.values;
    n.layers.push_back(each);
  }
}

void train(network &n) {
  n.run(n.forward);
  n.queue.wait();
  loss_gradient(n);
  for (int l = int(n.layers.size()) - 1; l >= 0; l--) {
    layer &each = n.layers[l];
    bool is_relu = n.is_relu && l < int(n.layers.size()) - 1;
    float *bias = n.is_inner_product ? nullptr : elements(each.bias);
    if (is_relu || bias)
      activation_gradient(is_relu ? elements(each.values) : nullptr, elements(each.difference), bias, n.rows,
                          each.outputs);
    n.run(n.backward[l]);
    n.queue.wait();
    if (n.is_inner_product) {
      add(each.weights, each.weight_gradient);
      add(each.bias, each.bias_gradient);
    }
  }
}

}  // namespace

const char *peer_version(void) {
  static std::string text = [] {
    const dnnl_version_t *v = dnnl_version();
    return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
  }();
  return text.c_str();
}

const char *peer_variants(void) { return "inner product\nmatmul"; }

void *peer_prepare(const struct problem *p, int variant) {
  try {
    auto n = std::make_unique<network>();
    n->rows = p->rows;
    n->is_relu = p->is_relu;
    n->is_cross_entropy = p->is_cross_entropy;
    n->trains = p->trains;
    n->scale = -p->learning_rate * p->gradient_scale;
    n->is_inner_product = variant == 0;
    auto inputs = matrix(p->rows, p->sizes[0], tag::ab);
    n->inputs = n->filled(inputs, inputs, p->inputs);
    n->targets.assign(p->targets, p->targets + long(p->rows) * p->sizes[p->layers]);
    if (n->is_inner_product)
      prepare_inner_product(*n, *p);
    else
      prepare_matmul(*n, *p);
    return n.release();
  } catch (const dnnl::error &error) {
    std::fprintf(stderr, "oneDNN: %s\n", error.what());
    return nullptr;
  }
}

void peer_step(void *handle, long count) {
  network &n = *static_cast<network *>(handle);
  for (long i = 0; i < count; i++) {
    if (n.trains)
      train(n);
    else
      n.run(n.forward);
  }
  n.queue.wait();
}

void peer_parameters(void *handle, float *const *weights, float *const *biases) {
  network &n = *static_cast<network *>(handle);
  for (size_t l = 0; l < n.layers.size(); l++) {
    layer &each = n.layers[l];
    auto plain = n.is_inner_product ? matrix(each.outputs, each.inputs, tag::ba)
                                    : matrix(each.inputs, each.outputs, tag::ab);
    memory target = n.make(plain);
    n.copy(each.weights, target);
    std::memcpy(weights[l], target.get_data_handle(), plain.get_size());
    std::memcpy(biases[l], each.bias.get_data_handle(), each.outputs * sizeof(float));
  }
}

void peer_outputs(void *handle, float *outputs) {
  network &n = *static_cast<network *>(handle);
  const memory &values = n.layers.back().values;
  std::memcpy(outputs, values.get_data_handle(), values.get_desc().get_size());
}

void peer_product(int rows, int columns, int depth, const float *a, const float *b, float *c, long count) {
  engine processor(engine::kind::cpu, 0);
  stream queue(processor);
  auto plain_b = matrix(depth, columns, tag::ab), result = matrix(rows, columns, tag::ab);
  auto description = describe<matmul>(processor, primitive_attr(), matrix(rows, depth, tag::ab), plain_b, result);
  matmul product(description);
  memory source(matrix(rows, depth, tag::ab), processor, const_cast<float *>(a));
  memory weights(plain_b, processor, const_cast<float *>(b)), target(result, processor, c);
  arguments with{{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, target}};
  for (long i = 0; i < count; i++) product.execute(queue, with);
  queue.wait();
}
