from corten_nn.compiler import *
