//! Derivatives of recurrent layers.

use crate::rules::recurrent;
use corten_tables::derivatives;

derivatives! {
_lstm_layer(gates, w, b, h0, c0, sizes: Sizes, reverse: bool) -> (out, hn, cn, saved, hs, cs): other "LstmBackward0" { [gates, w, b, h0, c0]: recurrent::lstm([g, g1, g2], arrived, need, [gates, w, b, h0, c0], [saved, hs, cs], sizes, reverse) }
_gru_layer(gates, w, b, h0, sizes: Sizes, reverse: bool) -> (out, hn, saved, hs): other "GruBackward0" { [gates, w, b, h0]: recurrent::gru([g, g1], arrived, need, [gates, w, b, h0], [saved, hs], sizes, reverse) }
}
