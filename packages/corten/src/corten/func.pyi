from corten_nn.func import *
