//! A channel stays on its core, whoever asks for it.

fn is_send<T: Send>() {}

fn main() {
    is_send::<offsched::Channel<u64, u64>>();
}
